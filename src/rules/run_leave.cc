// SPDX-License-Identifier: MIT
//
// How tokens leave loops. What leaves a loop that goes on is told from what left it before: it
// fires what is behind as a visit of its own, and a join there waits for inputs that left in one
// turn.
#include "rules/cut.h"
#include "rules/loop_exits.h"
#include "rules/run_step.h"
#include "rules/whole_number.h"

#include <algorithm>

namespace penstock::rules {
namespace {

// Edges of one node to one other, of which one is taken or none, count as the first of them.
int way_of(const Graph& graph, int edge) {
  const Graph::Node& target = graph.nodes()[graph.edges()[edge].to];
  return target.one_of ? target.in.front() : edge;
}

// Each once, of those that leave this loop and none around it.
std::vector<int> ways_out(const Graph& graph, int header) {
  std::vector<int> ways;
  for (const int e : graph.exits_of(header)) {
    if (left_by(graph, graph.edges()[e]) == header && way_of(graph, e) == e) ways.push_back(e);
  }
  return ways;
}

}  // namespace

// What is told of a loop in its cell: LIVE|EDGExTIMES EDGExTIMES
std::map<int, int> RunStep::exits_in(std::string_view cell) {
  std::map<int, int> exits;
  cut(cell, '|');
  while (!cell.empty()) {
    std::string_view text = cut(cell, ' ');
    const auto edge = whole_number(cut(text, 'x'));
    exits[static_cast<int>(edge.value_or(0))] = static_cast<int>(whole_number(text).value_or(0));
  }
  return exits;
}

std::map<int, int> RunStep::exits_by_now(const Region& region) {
  std::map<int, int> exits = region.exits;
  for (const auto& [edge, times] : exits_in(edit_.read(region.cell).value_or("0|"))) {
    exits[edge] += times;
  }
  return exits;
}

// And of a turn: LIVE|NUMBER:LINE:EDGE,EDGE, NUMBER:LINE:EDGE,
std::vector<RunStep::Departure> RunStep::departures_in(std::string_view cell) {
  std::vector<Departure> departures;
  cut(cell, '|');
  while (!cell.empty()) {
    std::string_view text = cut(cell, ' ');
    Departure& one = departures.emplace_back();
    one.number = static_cast<int>(whole_number(cut(text, ':')).value_or(0));
    one.line = cut(text, ':');
    while (!text.empty()) {
      one.edges.insert(static_cast<int>(whole_number(cut(text, ',')).value_or(0)));
    }
  }
  return departures;
}

std::string RunStep::write_exits(const Region& region) {
  std::string text;
  for (const auto& [edge, times] : region.exits) {
    text += std::to_string(edge) + 'x' + std::to_string(times) + ' ';
  }
  for (const Departure& one : region.departures) {
    text += std::to_string(one.number) + ':' + one.line + ':';
    for (const int edge : one.edges) text += std::to_string(edge) + ',';
    text += ' ';
  }
  return text;
}

// The tag behind the loop, of one with the turns around it. What left first has no number: it is as
// if nothing left again, and other inputs of a join may wait for it.
std::vector<int> RunStep::tag_behind(const Region& loop, std::vector<int> tag, int edge, int number,
                                     int time) {
  const Graph& graph = *loop.spot.graph;
  const std::size_t depth = graph.nodes()[loop.header].loops.size() - 1;
  if (number > 0) {
    tag.insert(tag.end() - static_cast<std::ptrdiff_t>(depth), {loop.header, number, time});
  } else {
    tag = loop.outer_tag;
  }
  const std::size_t leavings = tag.size() - depth;
  tag.resize(leavings + graph.nodes()[graph.edges()[edge].to].loops.size(), 1);
  return tag;
}

// Where inputs from elsewhere meet what has left, each way out counts by itself: they wait for the
// first by each, whatever turn it is.
std::vector<int> RunStep::leave(const Token& token, int edge) {
  const Graph& graph = *token.spot.graph;
  const auto& loops = graph.nodes()[token.node].loops;
  const std::size_t depth = loops.size() - static_cast<std::size_t>(graph.edges()[edge].exits);
  if (graph.edges()[edge].by_turn) return leave_turn(token, depth, edge);
  Region& loop = loop_of(token, depth);
  const int way = way_of(graph, edge), before = exits_by_now(loop)[way];
  ++loop.exits[way];
  if (before == 0) return tag_behind(loop, {}, edge, 0, 0);
  return tag_behind(loop, loop.outer_tag, edge, number_of(loop), before + 1);
}

int RunStep::number_of(const Region& loop) {
  const std::string instance = "li:" + loop.cell.substr(2);
  std::int64_t number = edit_.read_number(instance);
  if (number == 0) edit_.write_number(instance, number = next_number());
  return static_cast<int>(number);
}

// Out of a turn of a loop that branches: together with what else of its line leaves. A loop inside
// may leave by one edge again in that turn.
std::vector<int> RunStep::leave_turn(const Token& token, std::size_t depth, int edge) {
  Region& loop = loop_of(token, depth);
  Region& turn = turn_of(token, depth);
  const std::string line = write_tag(outer_tag(token, depth + 1));
  const int way = way_of(*token.spot.graph, edge);
  if (turn.departures.empty()) {
    turn.departures = departures_in(edit_.read(turn.cell).value_or("0|"));
  }
  auto mine = std::ranges::find_if(turn.departures, [&](const Departure& one) {
    return one.line == line && !one.edges.contains(way);
  });
  if (mine == turn.departures.end()) {
    const auto number = static_cast<int>(next_number());
    mine = turn.departures.insert(mine, {.line = line, .number = number});
  }
  mine->edges.insert(way);
  const int together = token.spot.graph->edges()[edge].together;
  const int first = exits_by_now(loop)[together];
  if (first == 0) loop.exits[together] = mine->number;
  const bool is_first = first == 0 || first == mine->number;
  return tag_behind(loop, outer_tag(token, depth), edge, is_first ? 0 : mine->number, 0);
}

std::int64_t RunStep::next_number() {
  const std::int64_t number = edit_.read_number("ln") + 1;
  edit_.write_number("ln", number);
  return number;
}

// Whether an edge is skipped is known when what might take it has ended.
void RunStep::leave_untaken(const Region& loop, std::vector<int> line, int edge, int number,
                            int time) {
  arrivals_.push_back({.spot = loop.spot,
                       .edge = edge,
                       .kind = Kind::skipped,
                       .tag = tag_behind(loop, std::move(line), edge, number, time)});
}

void RunStep::end_loop(const Region& ended) {
  const Graph& graph = *ended.spot.graph;
  const std::vector<int> ways = ways_out(graph, ended.header);
  std::map<int, int> most;  // Times, of those that may meet again.
  bool again = false;
  for (const auto& [e, times] : ended.exits) {
    const Graph::Edge& edge = graph.edges()[e];
    if (edge.by_turn) continue;  // Numbers, not times.
    again = again || times > 1;
    if (edge.together >= 0) most[edge.together] = std::max(most[edge.together], times);
  }
  for (const int e : ways) {
    const Graph::Edge& edge = graph.edges()[e];
    if (edge.by_turn) {
      if (!ended.exits.contains(edge.together)) leave_untaken(ended, {}, e, 0, 0);
      continue;
    }
    const auto taken = ended.exits.find(e);
    int times = taken == ended.exits.end() ? 0 : taken->second;
    if (times == 0) leave_untaken(ended, {}, e, 0, 0);
    for (times = std::max(times, 1); times < most[edge.together]; ++times) {
      leave_untaken(ended, ended.outer_tag, e, number_of(ended), times + 1);
    }
  }
  if (again) edit_.erase("li:" + ended.cell.substr(2));
}

// What left in this turn does not wait for what no longer can.
void RunStep::end_turn(const Region& ended) {
  const Graph& graph = *ended.spot.graph;
  if (ended.departures.empty()) return;
  const std::size_t depth = graph.nodes()[ended.header].loops.size() - 1;
  auto first = exits_by_now(region(ended.spot, ended.header, depth, ended.outer_tag));
  const std::vector<int> ways = ways_out(graph, ended.header);
  for (const Departure& departure : ended.departures) {
    std::vector<int> line = read_tag(departure.line);
    line.pop_back();  // The turn.
    std::set<int> together;
    for (const int e : departure.edges) together.insert(graph.edges()[e].together);
    for (const int e : ways) {
      const int one = graph.edges()[e].together;
      if (departure.edges.contains(e) || !together.contains(one)) continue;
      leave_untaken(ended, line, e, first[one] == departure.number ? 0 : departure.number, 0);
    }
  }
}

// It has left a loop again that other inputs have nothing to do with: they come once, and the join
// has had what left first.
bool RunStep::comes_too_late(const Arrival& arrival) {
  const Graph& graph = *arrival.spot.graph;
  const Graph::Node& node = graph.nodes()[graph.edges()[arrival.edge].to];
  const std::size_t leavings = arrival.tag.size() - node.loops.size();
  for (std::size_t at = 0; at < leavings; at += leaving_size) {
    const int header = arrival.tag[at];
    if (!graph.branches(header)) continue;
    for (const int e : node.in) {
      const int from = graph.edges()[e].from;
      const auto& loops = graph.nodes()[from].loops;
      const bool inside = std::ranges::find(loops, header) != loops.end();
      if (!inside && !graph.is_wholly_behind(header, from)) return true;
    }
  }
  return false;
}

}  // namespace penstock::rules
