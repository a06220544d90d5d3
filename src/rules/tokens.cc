// SPDX-License-Identifier: MIT
//
// How tokens move: along edges, through joins, round loops and out of them.
#include "rules/check.h"
#include "rules/run_step.h"

#include <algorithm>

namespace penstock::rules {

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
  Token token{.spot = spot_of(report.place), .tag = report.tag, .left = report.left};
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

// What is behind the loops that begin at `depth` around the token's node sees of their nodes what
// the turn has made that it comes from, whatever they do afterwards.
LeftLoops RunStep::left_behind(const Token& token, std::size_t depth) {
  const Graph& graph = *token.spot.graph;
  const auto& loops = graph.nodes()[token.node].loops;
  LeftLoops left = token.left;
  for (std::size_t i = depth; i < loops.size(); ++i) {
    if (!graph.branches(loops[i])) continue;
    left[loops[i]] = outer_tag(token, i + 1);
  }
  return left;
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
  Token target{.spot = token.spot,
               .node = node,
               .tag = outer_tag(token, common),
               .left = left_behind(token, common)};
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
                           .tag = target_tag(graph, edge, token.tag),
                           .left = token.left});
    } else if (edge.back) {
      fire({.spot = token.spot,
            .node = edge.to,
            .tag = next_turn(token, edge),
            .left = left_behind(token, graph.nodes()[edge.to].loops.size())});
    } else {
      const std::size_t stays = node.loops.size() - static_cast<std::size_t>(edge.exits);
      arrivals_.push_back(
          {.spot = token.spot,
           .edge = e,
           .tag = edge.exits > 0 ? leave(token, e) : target_tag(graph, edge, token.tag),
           .left = left_behind(token, stays)});
    }
  }
  if (kind == Kind::taken && !any && !node.out.empty()) {
    history("node " + node.node->name + ": " + missing_edge(token, action) +
            ": the flow ends there");
  }
  if (kind == Kind::taken && graph.ends_late() && (!leads_on || may_be_last)) {
    note_last(token.spot, leads_on ? "el:" : "e:", token.node, action);
  }
  count(token, -1);
}

// What has ended last, so far: the output is its result.
void RunStep::note_last(const Spot& spot, const char* kind, int node, std::string_view action) {
  edit_.write(kind + spot.scope, spot.graph->nodes()[node].node->name + '|' + std::string(action));
}

void RunStep::arrive(const Arrival& arrival) {
  const Graph& graph = *arrival.spot.graph;
  const int target = graph.edges()[arrival.edge].to;
  const int inputs = static_cast<int>(graph.nodes()[target].in.size());
  const Token token{.spot = arrival.spot, .node = target, .tag = arrival.tag, .left = arrival.left};
  const bool one_of = graph.nodes()[target].one_of && graph.edges()[arrival.edge].exits > 0;
  if (inputs > 1 && !one_of) return join(arrival, inputs);
  if (arrival.kind == Kind::taken) return fire(token);
  skip(token, arrival.kind);
}

// Of inputs that have left the same loop the later turn counts.
void RunStep::keep_left(const Arrival& arrival, const std::string& cell) {
  if (arrival.left.empty()) return;
  LeftLoops all = read_left(edit_.read(cell).value_or(""));
  for (const auto& [header, turns] : arrival.left) all[header] = std::max(all[header], turns);
  edit_.write(cell, write_tag({}, all));
}

// Counters per join and turn: inputs that have come, and how many of them were skipped or failed.
// Each input comes once, because a node's job ends once. Only the last one has to know how many
// there were before it; the others add to whatever it is, so that branches which end at the same
// time on different workers do not get into each other's way.
void RunStep::join(const Arrival& arrival, int inputs) {
  if (comes_too_late(arrival)) return;
  const Graph& graph = *arrival.spot.graph;
  const int target = graph.edges()[arrival.edge].to;
  const Graph::Node& node = graph.nodes()[target];
  const std::string& name = node.node->name;
  const std::string at = arrival.spot.scope + name + '~' + write_tag(arrival.tag);
  const std::string came = "o:" + at, fired_cell = "ox:" + at;
  const std::string skipped_cell = "os:" + at, failed_cell = "of:" + at;
  const bool skips = arrival.kind == Kind::skipped, fails = arrival.kind == Kind::failed;
  const int enough = node.node->join;
  keep_left(arrival, "ol:" + at);
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
  Token token{.spot = arrival.spot, .node = target, .tag = arrival.tag};
  if (node.overlaps) token.left = read_left(edit_.read("ol:" + at).value_or(""));
  const std::int64_t usable = node.need >= 0 ? arrived + failed : arrived;
  bool fired = enough > 0 && edit_.read_number(fired_cell) != 0;
  if (!fired && enough > 0 && arrived >= std::max(enough, node.need)) {
    fired = true;
    if (!complete) edit_.write_number(fired_cell, 1);
    fire(token);
  }
  if (enough > 0 && !fired && arrival.kind == Kind::taken) {
    // Maybe the join never fires, and nothing comes after it.
    const Graph::Edge& edge = graph.edges()[arrival.edge];
    note_last(arrival.spot, complete ? "e:" : "el:", edge.from, edge.action);
  }
  if (!complete) return;
  for (const std::string& cell : {came, skipped_cell, failed_cell}) edit_.erase(cell);
  if (enough > 0) edit_.erase(fired_cell);
  if (node.overlaps) edit_.erase("ol:" + at);
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
    arrivals_.push_back({.spot = token.spot,
                         .edge = e,
                         .kind = kind,
                         .tag = target_tag(graph, edge, token.tag),
                         .left = token.left});
  }
}

}  // namespace penstock::rules
