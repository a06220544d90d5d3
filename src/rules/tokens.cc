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
  Token token{.spot = spot_of(report.place), .tag = report.tag, .passed = report.passed};
  token.node = token.spot.graph->find(report.place.back().node);
  CHECK(token.node >= 0);
  return token;
}

std::vector<int> RunStep::cut_tag(const Token& token, std::size_t heads) {
  std::vector<int> tag = token.tag;
  tag.resize(tag.size() - token.spot.graph->nodes()[token.node].heads.size() + heads);
  return tag;
}

std::vector<int> RunStep::target_tag(const Token& token, int e) {
  const Graph& graph = *token.spot.graph;
  const Graph::Edge& edge = graph.edges()[e];
  std::vector<int> next = cut_tag(token, edge.keeps);
  if (edge.back) {
    ++next.back();
  } else if (graph.is_header(edge.to)) {
    next.push_back(1);
  }
  return next;
}

// Of a node that the token asks for by name: it is in the same turns of what both have as heads.
RunStep::Token RunStep::named_by(const Token& token, int node) {
  const auto& nodes = token.spot.graph->nodes();
  const auto &from = nodes[token.node].heads, &to = nodes[node].heads;
  const auto common = static_cast<std::size_t>(std::ranges::mismatch(from, to).in1 - from.begin());
  Token target{
      .spot = token.spot, .node = node, .tag = cut_tag(token, common), .passed = token.passed};
  target.tag.resize(target.tag.size() + to.size() - common, 1);
  return target;
}

// Those of an earlier turn are known to what began this one.
void RunStep::forget_passed(Token& token) {
  const auto& nodes = token.spot.graph->nodes();
  const std::vector<int>& heads = nodes[token.node].heads;
  std::erase_if(token.passed, [&](const auto& passed) {
    const auto& [key, tag] = passed;
    const int join = join_of(key);
    std::vector<int> before = nodes[join].heads;
    if (token.spot.graph->is_header(join)) before.pop_back();
    const auto turns = static_cast<std::ptrdiff_t>(before.size());
    const auto mine = token.tag.end() - static_cast<std::ptrdiff_t>(heads.size());
    return tag.size() < before.size() || std::ranges::mismatch(before, heads).in1 != before.end() ||
           !std::equal(tag.end() - turns, tag.end(), mine);
  });
}

// What does not come by an edge out of a loop that does not branch is known when the loop has
// ended; to where other inputs come, when nothing can come by that edge any more.
void RunStep::send(const Token& token, int e, Kind kind) {
  const Graph& graph = *token.spot.graph;
  const Graph::Edge& edge = graph.edges()[e];
  if (edge.leaves >= 0 && kind != Kind::taken) return;
  Arrival arrival{.spot = token.spot,
                  .edge = e,
                  .kind = kind,
                  .tag = target_tag(token, e),
                  .passed = token.passed};
  if (edge.leaves >= 0) leave_again(token, e, arrival.tag);
  if (edge.meets < 0) return arrivals_.push_back(std::move(arrival));
  if (kind == Kind::skipped) return passes_by(token, arrival);
  meets(token, std::move(arrival));
}

void RunStep::complete(const Token& token, std::string_view action, Kind kind) {
  const Graph& graph = *token.spot.graph;
  const Graph::Node& node = graph.nodes()[token.node];
  const Kind passed = kind == Kind::failed ? Kind::failed : Kind::skipped;
  bool any = false, leads_on = false, may_be_last = false;
  for (const int e : node.out) {
    const Graph::Edge& edge = graph.edges()[e];
    const bool taken = kind == Kind::taken && edge.action == action;
    any = any || taken;
    leads_on = leads_on || (taken && edge.to >= 0);
    may_be_last =
        may_be_last || (taken && edge.to >= 0 && !graph.nodes()[edge.to].node->when.empty());
    if (edge.to < 0) continue;
    if (!edge.back) {
      send(token, e, taken ? Kind::taken : passed);
    } else if (taken) {
      fire({.spot = token.spot,
            .node = edge.to,
            .tag = next_turn(token, e),
            .passed = token.passed});
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
  const Token token{
      .spot = arrival.spot, .node = target, .tag = arrival.tag, .passed = arrival.passed};
  const bool one_of = graph.nodes()[target].one_of && graph.edges()[arrival.edge].leaves >= 0;
  if (inputs > 1 && !one_of) return collect(arrival, inputs);
  if (arrival.kind == Kind::taken) return fire(token);
  skip(token, arrival.kind);
}

void RunStep::merge_passed(const Arrival& arrival, PassedJoins& all) {
  for (const auto& [key, tag] : arrival.passed) {
    std::vector<int>& known = all[arrival.kind == Kind::skipped ? ~join_of(key) : key];
    known = std::max(known, tag);
  }
}

void RunStep::keep_passed(const Arrival& arrival, const std::string& cell) {
  const Graph& graph = *arrival.spot.graph;
  if (arrival.passed.empty() || !graph.nodes()[graph.edges()[arrival.edge].to].overlaps) return;
  const PassedJoins known = read_passed(edit_.read(cell).value_or(""));
  PassedJoins all = known;
  merge_passed(arrival, all);
  if (all != known) edit_.write(cell, write_tag({}, all));
}

// Where all inputs are skipped in one step, as behind a loop in each turn that does not leave it,
// none has come before, and there is nothing to count.
void RunStep::collect(const Arrival& arrival, int inputs) {
  const int target = arrival.spot.graph->edges()[arrival.edge].to;
  const auto at = arrival.spot.scope + std::to_string(target) + '~' + write_tag(arrival.tag);
  std::vector<Arrival>& come = inputs_[at];
  come.push_back(arrival);
  const auto is_skipped = [](const Arrival& one) { return one.kind == Kind::skipped; };
  if (come.size() < static_cast<std::size_t>(inputs) || !std::ranges::all_of(come, is_skipped)) {
    return;
  }
  Token token{.spot = arrival.spot, .node = target, .tag = arrival.tag};
  for (const Arrival& one : come) merge_passed(one, token.passed);
  inputs_.erase(at);
  skip(token, Kind::skipped);
}

// Counters per join and turn: inputs that have come, and how many of them were skipped or failed.
// Each input comes once, because a node's job ends once. Only the last one has to know how many
// there were before it; the others add to whatever it is, so that branches which end at the same
// time on different workers do not get into each other's way.
void RunStep::join(const Arrival& arrival) {
  const Graph& graph = *arrival.spot.graph;
  const int target = graph.edges()[arrival.edge].to;
  const Graph::Node& node = graph.nodes()[target];
  const auto inputs = static_cast<int>(node.in.size());
  const std::string& name = node.node->name;
  const std::string at = arrival.spot.scope + name + '~' + write_tag(arrival.tag);
  const std::string came = "o:" + at, fired_cell = "ox:" + at;
  const std::string skipped_cell = "os:" + at, failed_cell = "of:" + at;
  const bool skips = arrival.kind == Kind::skipped, fails = arrival.kind == Kind::failed;
  const int enough = node.node->join;
  bool fired = enough > 0 && edit_.read_number(fired_cell) != 0;
  if (!fired) {
    keep_passed(arrival, "ol:" + at);
  } else if (graph.edges()[arrival.edge].meets >= 0) {
    counts_no_more(arrival);
  }
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
  if (node.overlaps) token.passed = read_passed(edit_.read("ol:" + at).value_or(""));
  const std::int64_t usable = node.need >= 0 ? arrived + failed : arrived;
  if (!fired && enough > 0 && arrived >= std::max(enough, node.need)) {
    fired = true;
    if (!complete) edit_.write_number(fired_cell, 1);
    fire_join(token);
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
    const Again again = fail_group(token, arrived);
    if (again.failed == 0) return;
    edit_.write_number(came, all - again.failed - again.skipped);
    edit_.write_number(skipped_cell, skipped - again.skipped);
    edit_.write_number(failed_cell, failed - again.failed);
    if (!token.passed.empty()) edit_.write("ol:" + at, write_tag({}, token.passed));
  } else if (usable >= std::max(enough, 1)) {
    fire_join(token);
  } else {
    skip(token, failed > 0 ? Kind::failed : Kind::skipped);
  }
}

void RunStep::fire_join(Token token) {
  const Graph& graph = *token.spot.graph;
  for (const int e : graph.nodes()[token.node].in) {
    if (graph.edges()[e].meets < 0) continue;
    token.passed[token.node] = cut_tag(token, graph.edges()[e].keeps);
  }
  fire(token);
}

void RunStep::skip(const Token& token, Kind kind) {
  const Graph& graph = *token.spot.graph;
  const Graph::Node& node = graph.nodes()[token.node];
  // Behind a loop it is skipped so far, when it has not run in another turn.
  const bool is_first = std::ranges::all_of(token.tag, [](int turn) { return turn == 1; });
  if (node.loops.empty() && is_first && (token.tag.empty() || visits_of(token) == 0)) {
    note_end(token.spot.scope + node.node->name + "#1", skipped_state);
  }
  if (graph.is_header(token.node)) {
    // The loop does not begin. All that a turn of one that branches leads to is skipped; of the
    // others only what leaves them counts.
    Region never{.spot = token.spot, .header = token.node, .tag = token.tag};
    never.tag.pop_back();
    if (!graph.branches(token.node)) return end_loop(never);
    loop_of(token, token.node).ends = true;
    kind = Kind::skipped;
  }
  for (const int e : node.out) {
    const Graph::Edge& edge = graph.edges()[e];
    if (edge.to < 0 || edge.back) continue;
    // What failed did not come by that edge, and may come yet.
    send(token, e, edge.meets >= 0 ? Kind::skipped : kind);
  }
}

}  // namespace penstock::rules
