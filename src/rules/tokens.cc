// SPDX-License-Identifier: MIT
//
// How tokens move: along edges, through joins, round loops, and out of flows.
#include "rules/check.h"
#include "rules/run_step.h"

#include <algorithm>

namespace penstock::rules {
namespace {

std::string loop_cell(const std::string& scope, const std::string& header,
                      const std::vector<int>& outer_tag) {
  return "l:" + scope + header + '~' + write_tag(outer_tag);
}

std::int64_t take_number(std::string_view& text, char end) {
  std::int64_t value = 0;
  while (!text.empty() && text.front() != end) {
    value = value * 10 + (text.front() - '0');
    text.remove_prefix(1);
  }
  if (!text.empty()) text.remove_prefix(1);
  return value;
}

// How often each edge out of a loop was taken, of its cell: LIVE|EDGExTIMES EDGExTIMES
std::map<int, int> exits_in(std::string_view cell) {
  std::map<int, int> exits;
  take_number(cell, '|');
  while (!cell.empty()) {
    const int edge = static_cast<int>(take_number(cell, 'x'));
    exits[edge] = static_cast<int>(take_number(cell, ' '));
  }
  return exits;
}

}  // namespace

RunStep::Spot RunStep::spot_of(const Place& place) const {
  Spot spot{.graph = flow_.graph.get()};
  spot.outer.assign(place.begin(), place.end() - 1);
  for (const PlaceSegment& segment : spot.outer) {
    const int node = spot.graph->find(segment.node);
    CHECK(node >= 0);
    spot.graph = spot.graph->nodes()[node].body.get();
  }
  if (!spot.outer.empty()) spot.scope = write_place(spot.outer) + '/';
  return spot;
}

RunStep::Token RunStep::token_of(const NodeReport& report) const {
  Token token{.spot = spot_of(report.place), .tag = report.tag};
  token.node = token.spot.graph->find(report.place.back().node);
  CHECK(token.node >= 0);
  return token;
}

// `tag` is that of a token at the edge's source.
std::vector<int> RunStep::target_tag(const Graph& graph, const Graph::Edge& edge,
                                     const std::vector<int>& tag) {
  const std::size_t from = graph.nodes()[edge.from].loops.size();
  const std::size_t to = graph.nodes()[edge.to].loops.size(), leavings = tag.size() - from;
  std::vector<int> next = tag;
  if (edge.back) {
    next.resize(leavings + to);
    ++next.back();
    return next;
  }
  next.resize(leavings + from - static_cast<std::size_t>(edge.exits));
  next.resize(leavings + to, 1);
  return next;
}

// Out of a loop, with what the token's tag is around that loop. What leaves by one edge again,
// because another branch of the loop goes on, is told from what left before: it fires what is
// behind as a visit of its own, and a join waits for inputs that left together.
std::vector<int> RunStep::leave(const Token& token, int edge) {
  const Graph& graph = *token.spot.graph;
  const Graph::Edge& out = graph.edges()[edge];
  const auto& loops = graph.nodes()[token.node].loops;
  const std::size_t depth = loops.size() - static_cast<std::size_t>(out.exits);
  const std::size_t leavings = token.tag.size() - loops.size();
  Region& left = region(token.spot, loops[depth], depth, outer_tag(token, depth));
  const int before = exits_in(edit_.read(left.cell).value_or(""))[edge] + left.exits[edge];
  ++left.exits[edge];
  std::vector<int> tag = target_tag(graph, out, token.tag);
  if (before > 0) tag.insert(tag.begin() + static_cast<std::ptrdiff_t>(leavings), before + 1);
  return tag;
}

// Of the loop at `depth` around the token's node.
std::vector<int> RunStep::outer_tag(const Token& token, std::size_t depth) {
  const auto& loops = token.spot.graph->nodes()[token.node].loops;
  std::vector<int> tag = token.tag;
  tag.resize(tag.size() - loops.size() + depth);
  return tag;
}

// Of a node that the token asks for by name: it is in the same turn of the loops around both.
RunStep::Token RunStep::named_by(const Token& token, int node) {
  const auto& nodes = token.spot.graph->nodes();
  const auto &from = nodes[token.node].loops, &to = nodes[node].loops;
  std::size_t common = 0;
  while (common < std::min(from.size(), to.size()) && from[common] == to[common]) ++common;
  Token target{.spot = token.spot, .node = node, .tag = outer_tag(token, common)};
  target.tag.resize(target.tag.size() + to.size() - common, 1);
  return target;
}

void RunStep::complete(const Token& token, std::string_view action, Kind kind) {
  const Graph& graph = *token.spot.graph;
  const Graph::Node& node = graph.nodes()[token.node];
  bool any = false, leads_on = false, may_be_last = false;
  for (const int e : node.out) {
    const Graph::Edge& edge = graph.edges()[e];
    const bool taken = kind == Kind::taken && edge.action == action;
    any = any || taken;
    leads_on = leads_on || (taken && edge.to >= 0);
    may_be_last =
        may_be_last || (taken && edge.to >= 0 && !graph.nodes()[edge.to].node->when.empty());
    if (edge.to < 0) continue;
    if (!taken) {
      // Whether an edge out of a loop is skipped is known when the loop has ended.
      if (edge.back || edge.exits > 0) continue;
      const Kind passed = kind == Kind::failed ? Kind::failed : Kind::skipped;
      arrivals_.push_back({.spot = token.spot,
                           .edge = e,
                           .kind = passed,
                           .tag = target_tag(graph, edge, token.tag)});
    } else if (edge.back) {
      fire({.spot = token.spot, .node = edge.to, .tag = target_tag(graph, edge, token.tag)});
    } else {
      arrivals_.push_back(
          {.spot = token.spot,
           .edge = e,
           .tag = edge.exits > 0 ? leave(token, e) : target_tag(graph, edge, token.tag)});
    }
  }
  if (kind == Kind::taken && !any && !node.out.empty()) missing_edge(token, action);
  if (kind == Kind::taken && graph.ends_late() && (!leads_on || may_be_last)) {
    edit_.write((leads_on ? "el:" : "e:") + token.spot.scope,
                node.node->name + '|' + std::string(action));
  }
  count(token, -1);
}

void RunStep::missing_edge(const Token& token, std::string_view action) {
  const Graph& graph = *token.spot.graph;
  std::set<std::string> known;
  for (const int e : graph.nodes()[token.node].out) known.insert(graph.edges()[e].action);
  std::string names;
  for (const std::string& name : known) names += (names.empty() ? "" : ", ") + name;
  const std::string& node = node_of(token).name;
  const std::string what = "node " + node + " ended with action \"" + std::string(action) +
                           "\", which has no edge (it has: " + names + ")";
  if (limits_of(token.spot).fail_on_missing) {
    fail({{.node = node}}, what);
  } else {
    history(what + ": the flow ends there");
  }
}

void RunStep::arrive(const Arrival& arrival) {
  const Graph& graph = *arrival.spot.graph;
  const int target = graph.edges()[arrival.edge].to;
  const int inputs = static_cast<int>(graph.nodes()[target].in.size());
  const Token token{.spot = arrival.spot, .node = target, .tag = arrival.tag};
  if (inputs > 1) return join(arrival, inputs);
  if (arrival.kind == Kind::taken) return fire(token);
  skip(token, arrival.kind);
}

// Counters per join and turn: inputs that have come, and how many of them were skipped or failed.
// Each input comes once, because a node's job ends once. Only the last one has to know how many
// there were before it; the others add to whatever it is, so that branches which end at the same
// time on different workers do not get into each other's way.
void RunStep::join(const Arrival& arrival, int inputs) {
  const Graph& graph = *arrival.spot.graph;
  const int target = graph.edges()[arrival.edge].to;
  const Graph::Node& node = graph.nodes()[target];
  const std::string& name = node.node->name;
  const std::string at = arrival.spot.scope + name + '~' + write_tag(arrival.tag);
  const std::string came = "o:" + at, fired_cell = "ox:" + at;
  const std::string skipped_cell = "os:" + at, failed_cell = "of:" + at;
  const bool skips = arrival.kind == Kind::skipped, fails = arrival.kind == Kind::failed;
  const int enough = node.node->join;
  if (skips) edit_.add({.name = skipped_cell});
  if (fails) edit_.add({.name = failed_cell});
  if (enough == 0 && edit_.guess_number(came).value_or(0) + 1 < inputs) {
    return edit_.add({.name = came, .at_most = inputs - 1});
  }
  const std::int64_t all = edit_.read_number(came) + 1;
  const bool complete = all >= inputs;
  if (!complete) edit_.write_number(came, all);
  const std::int64_t skipped = edit_.read_number(skipped_cell);
  const std::int64_t failed = edit_.read_number(failed_cell);
  const std::int64_t arrived = all - skipped - failed;
  const Token token{.spot = arrival.spot, .node = target, .tag = arrival.tag};
  const std::int64_t usable = node.need >= 0 ? arrived + failed : arrived;
  bool fired = enough > 0 && edit_.read_number(fired_cell) != 0;
  if (!fired && enough > 0 && arrived >= std::max(enough, node.need)) {
    fired = true;
    if (!complete) edit_.write_number(fired_cell, 1);
    fire(token);
  }
  if (!complete) return;
  for (const std::string& cell : {came, skipped_cell, failed_cell}) edit_.erase(cell);
  if (enough > 0) edit_.erase(fired_cell);
  if (fired) return;
  if (node.need > 0 && arrived < node.need && arrived + failed > 0) {
    const std::int64_t again = fail_group(token, arrived);
    if (again == 0) return;
    edit_.write_number(came, all - again);
    edit_.write_number(skipped_cell, skipped);
    edit_.write_number(failed_cell, failed - again);
  } else if (usable >= std::max(enough, 1)) {
    fire(token);
  } else {
    skip(token, failed > 0 ? Kind::failed : Kind::skipped);
  }
}

void RunStep::skip(const Token& token, Kind kind) {
  const Graph& graph = *token.spot.graph;
  const Graph::Node& node = graph.nodes()[token.node];
  if (token.tag.empty()) {
    note_end(token.spot.scope + node.node->name + "#1", skipped_state);
  }
  if (graph.is_header(token.node)) {
    // The loop does not begin: of its nodes only what leaves it counts.
    Region never{.spot = token.spot, .header = token.node};
    never.outer_tag.assign(token.tag.begin(), token.tag.end() - 1);
    return end_loop(never);
  }
  for (const int e : node.out) {
    const Graph::Edge& edge = graph.edges()[e];
    if (edge.to < 0 || edge.back || edge.exits > 0) continue;
    arrivals_.push_back(
        {.spot = token.spot, .edge = e, .kind = kind, .tag = target_tag(graph, edge, token.tag)});
  }
}

RunStep::Region& RunStep::region(const Spot& spot, int header, std::size_t depth,
                                 std::vector<int> outer_tag) {
  // A flow inside is deeper than every loop around it: depths of outer flows count a thousandfold.
  const std::size_t level = spot.outer.size() * 1000 + (header < 0 ? 0 : depth + 1);
  RegionKey key{.depth = level};
  key.cell = header < 0 ? "l:" + spot.scope
                        : loop_cell(spot.scope, spot.graph->nodes()[header].node->name, outer_tag);
  Region& found = regions_[key];
  if (!found.spot.graph) {
    found.cell = key.cell;
    found.spot = spot;
    found.header = header;
    found.outer_tag = std::move(outer_tag);
  }
  return found;
}

void RunStep::count(const Token& token, std::int64_t by) {
  const Graph::Node& node = token.spot.graph->nodes()[token.node];
  for (std::size_t i = 0; i < node.loops.size(); ++i) {
    region(token.spot, node.loops[i], i, outer_tag(token, i)).delta += by;
  }
  region(token.spot, -1, 0, {}).delta += by;
}

void RunStep::settle() {
  while (!over_) {
    if (!arrivals_.empty()) {
      const Arrival next = std::move(arrivals_.front());
      arrivals_.pop_front();
      arrive(next);
    } else if (!settle_region()) {
      return;
    }
  }
}

// Counts on whatever the number is, if a flow has not come to its end by what is known of it.
bool RunStep::stays_open(const std::string& cell, std::int64_t delta) {
  const auto known = edit_.guess_number(cell);
  if (delta > 0) {
    edit_.add({.name = cell, .by = std::to_string(delta)});
    return true;
  }
  if (known && *known + delta < 1) return false;
  edit_.add({.name = cell, .by = std::to_string(delta), .at_least = 1});
  return true;
}

// The deepest region that something has changed in; false when there is none left.
bool RunStep::settle_region() {
  if (regions_.empty()) return false;
  const auto first = regions_.begin();
  Region changed = std::move(first->second);
  regions_.erase(first);
  if (changed.delta == 0 && changed.exits.empty()) return true;
  if (changed.header < 0 && stays_open(changed.cell, changed.delta)) return true;
  const std::string known = edit_.read(changed.cell).value_or("0|");
  std::string_view text = known;
  const std::int64_t live = take_number(text, '|') + changed.delta;
  for (const auto& [edge, times] : exits_in(known)) changed.exits[edge] += times;
  if (live > 0) {
    std::string value = std::to_string(live) + '|';
    for (const auto& [edge, times] : changed.exits) {
      value += std::to_string(edge) + 'x' + std::to_string(times) + ' ';
    }
    edit_.write(changed.cell, std::move(value));
    return true;
  }
  edit_.erase(changed.cell);
  if (changed.header >= 0) {
    end_loop(changed);
  } else {
    end_flow(changed.spot);
  }
  return true;
}

void RunStep::end_loop(const Region& region) {
  const Graph& graph = *region.spot.graph;
  for (const int e : graph.exits_of(region.header)) {
    const Graph::Edge& edge = graph.edges()[e];
    const auto& loops = graph.nodes()[edge.from].loops;
    const bool leaves_only_this =
        loops[loops.size() - static_cast<std::size_t>(edge.exits)] == region.header;
    if (region.exits.contains(e) || !leaves_only_this) continue;
    std::vector<int> tag = region.outer_tag;
    tag.resize(tag.size() + static_cast<std::size_t>(edge.exits), 1);  // As if it began.
    arrivals_.push_back({.spot = region.spot,
                         .edge = e,
                         .kind = Kind::skipped,
                         .tag = target_tag(graph, edge, tag)});
  }
}

// As a field tells it. What is decided on before the field has been read is decided on again: until
// then any turn does.
std::vector<int> RunStep::tag_at(const Token& token, std::string_view field) {
  std::vector<int> tag = read_tag(field);
  const auto loops = token.spot.graph->nodes()[token.node].loops.size();
  if (tag.size() < loops) tag.resize(loops, 1);
  return tag;
}

// What came last may be an input that is too late for its join, or a node that was skipped. The
// output is that of the last end, else of the last node before one that was skipped.
void RunStep::recall_end(const Spot& spot) {
  if (!spot.graph->ends_late()) return;
  std::optional<std::string> known;
  for (const char* kind : {"e:", "el:"}) {
    if (!known) known = edit_.read(kind + spot.scope);
    edit_.erase(kind + spot.scope);
  }
  if (!known) return;
  const auto bar = known->find('|');
  last_result_ = edit_.read("r:" + spot.scope + known->substr(0, bar)).value_or("null");
  last_action_ = known->substr(bar + 1);
}

void RunStep::end_flow(const Spot& spot) {
  recall_end(spot);
  if (spot.outer.empty()) {
    if (state_ == RunState::running) {
      edit_.write("output", last_result_);
      finish(RunState::succeeded);
    }
    return;
  }
  Token token{.spot = spot_of(spot.outer)};
  token.node = token.spot.graph->find(spot.outer.back().node);
  const std::string tag_field = "b:" + write_place(spot.outer);
  token.tag = tag_at(token, edit_.read(tag_field).value_or(""));
  edit_.erase(tag_field);
  if (spot.outer.back().item < 0 && node_of(token).concludes) {
    return job(token, spot.outer, Phase::post);
  }
  instance_done(token, spot.outer, last_action_, Kind::taken);
}

}  // namespace penstock::rules
