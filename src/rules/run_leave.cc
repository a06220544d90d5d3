// SPDX-License-Identifier: MIT
//
// How tokens leave loops, and what becomes of the edges by which none has: those out of a loop that
// does not branch when it has ended, and those to where inputs from before a loop meet what comes
// from it when neither the loop nor what is behind it, and leads there, can take them any more.
#include "rules/cut.h"
#include "rules/run_step.h"
#include "rules/turn_result.h"
#include "rules/whole_number.h"

#include <algorithm>

namespace penstock::rules {
namespace {

// Edges of one node to one other, of which one is taken or none, count as the first of them.
int way_of(const Graph& graph, int edge) {
  const Graph::Node& target = graph.nodes()[graph.edges()[edge].to];
  return target.one_of ? target.in.front() : edge;
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

std::string RunStep::write_exits(const Region& region) {
  std::string text;
  for (const auto& [edge, times] : region.exits) {
    text += std::to_string(edge) + 'x' + std::to_string(times) + ' ';
  }
  return text;
}

std::int64_t RunStep::next_number() {
  const std::int64_t number = edit_.read_number("ln") + 1;
  edit_.write_number("ln", number);
  return number;
}

// Out of a loop that does not branch. `tag` is that of the target.
void RunStep::leave_again(const Token& token, int e, std::vector<int>& tag) {
  const Graph& graph = *token.spot.graph;
  const Graph::Edge& edge = graph.edges()[e];
  Region& loop = loop_of(token, edge.leaves);
  const int way = way_of(graph, e);
  const int before = exits_in(edit_.read(loop.cell).value_or("0|"))[way] + loop.exits[way];
  ++loop.exits[way];
  if (before == 0) return;
  const auto turns = static_cast<std::ptrdiff_t>(graph.nodes()[edge.to].heads.size());
  tag.insert(tag.end() - turns, {edge.leaves, static_cast<int>(next_number())});
}

void RunStep::end_loop(const Region& ended) {
  const Graph& graph = *ended.spot.graph;
  if (graph.branches(ended.header)) return meet_no_more(ended);
  for (const int e : graph.exits_of(ended.header)) {
    const Graph::Edge& edge = graph.edges()[e];
    if (edge.leaves != ended.header || way_of(graph, e) != e || ended.exits.contains(e)) continue;
    Arrival untaken = skipped_at(ended, e);
    if (edge.meets >= 0) {
      Token source{.spot = ended.spot, .node = edge.from, .tag = ended.tag};
      const std::size_t before = graph.nodes()[ended.header].heads.size() - 1;
      const std::size_t inside = graph.nodes()[edge.from].heads.size() - before;
      source.tag.resize(source.tag.size() + inside, 1);
      passes_by(source, untaken);
    } else {
      arrivals_.push_back(std::move(untaken));
    }
  }
}

RunStep::Arrival RunStep::skipped_at(const Region& ended, int e) {
  const Graph& graph = *ended.spot.graph;
  const Graph::Edge& edge = graph.edges()[e];
  Arrival untaken{.spot = ended.spot, .edge = e, .kind = Kind::skipped, .tag = ended.tag};
  const std::size_t before = graph.nodes()[ended.header].heads.size() - 1;
  untaken.tag.resize(untaken.tag.size() - before + edge.keeps);
  if (graph.is_header(edge.to)) untaken.tag.push_back(1);
  return untaken;
}

std::string RunStep::meeting_of(const Arrival& arrival) {
  const Graph& graph = *arrival.spot.graph;
  std::vector<int> tag = arrival.tag;
  if (graph.is_header(graph.edges()[arrival.edge].to)) tag.pop_back();
  return meeting_field(graph, arrival.edge, arrival.spot.scope, std::move(tag));
}

// Edges of one node to one other are one input.
void RunStep::meets(const Token& source, Arrival arrival) {
  const Graph& graph = *arrival.spot.graph;
  const Graph::Edge& edge = graph.edges()[arrival.edge];
  const std::string field = meeting_of(arrival);
  if (Meeting(edit_.read(field)).is_over()) return;
  edit_.write(field, Meeting::taken(source.tag, source.passed));
  for (const int e : graph.nodes()[edge.to].in) {
    if (e == arrival.edge || graph.edges()[e].from != edge.from) continue;
    Arrival other = arrival;
    other.edge = e;
    other.kind = Kind::skipped;
    counts_no_more(other);
    arrivals_.push_back(std::move(other));
  }
  arrivals_.push_back(std::move(arrival));
}

// It may come by that edge another time.
void RunStep::passes_by(const Token& source, const Arrival& arrival) {
  const std::string field = meeting_of(arrival);
  if (Meeting(edit_.read(field)).is_over()) return;
  edit_.write(field, Meeting::not_yet(source.tag, source.passed));
}

// The node has fired without it, or had the same input by another edge.
void RunStep::counts_no_more(const Arrival& arrival) {
  edit_.write(meeting_of(arrival), Meeting::never(Meeting({})));
}

void RunStep::meet_no_more(const Region& ended) {
  const auto& meetings = ended.spot.graph->meetings_of(ended.header);
  const auto mine = meetings.find(ended.group);
  if (mine == meetings.end()) return;
  for (const int e : mine->second) {
    Arrival untaken = skipped_at(ended, e);
    const std::string field = meeting_of(untaken);
    const Meeting known(edit_.read(field));
    if (known.is_over()) continue;
    edit_.write(field, Meeting::never(known));
    arrivals_.push_back(std::move(untaken));
  }
}

}  // namespace penstock::rules
