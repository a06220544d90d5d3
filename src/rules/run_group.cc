// SPDX-License-Identifier: MIT
//
// What becomes of a run when too few of a group have succeeded.
#include "rules/json.h"
#include "rules/run_json.h"
#include "rules/run_step.h"
#include "rules/turn_result.h"

#include <set>

namespace penstock::rules {

// Members that failed are parked as if they had not ended, so that a retry runs them again and the
// node behind judges anew. How many; of none the node behind is parked itself.
RunStep::Again RunStep::fail_group(const Token& behind, std::int64_t arrived) {
  const Graph& graph = *behind.spot.graph;
  const Graph::Node& node = graph.nodes()[behind.node];
  Place place = behind.spot.outer;
  place.push_back({.node = node.node->name});
  if (!behind.tag.empty()) place.back().visit = visits_of(behind) + 1;
  fail(place, "only " + std::to_string(arrived) + " of the nodes before \"" + node.node->name +
                  "\" succeeded, " + std::to_string(node.need) +
                  (node.need == 1 ? " is needed" : " are needed"));
  Again again;
  std::set<std::string> parked;
  for (const int e : node.in) {
    const Graph::Edge& edge = graph.edges()[e];
    const Graph::Node& before = graph.nodes()[edge.from];
    if (!before.tolerated || edge.leaves >= 0) continue;
    Token member{.spot = behind.spot, .node = edge.from, .passed = behind.passed};
    if (edge.meets >= 0) {
      const Meeting meeting(
          edit_.read(meeting_field(graph, e, behind.spot.scope, cut_tag(behind, edge.keeps))));
      if (!meeting.is_taken()) continue;
      member.tag = tag_at(member, meeting.source());
      member.passed = read_passed(meeting.source());
    } else {
      member.tag = cut_tag(behind, edge.keeps);
    }
    const auto at = failed_at(member);
    if (!at) continue;
    if (edge.meets >= 0) again.skipped += forget_meetings(behind, e);
    ++again.failed;
    if (!parked.insert(write_place(*at)).second) continue;  // Several of its edges lead there.
    count(member, 1);
    park(member, *at, Phase::main);
  }
  if (again.failed > 0) return again;
  edit_.write("gf:" + write_place(place), "only " + std::to_string(arrived) +
                                              " of the nodes before " + node.node->name +
                                              " succeeded, and none of them can "
                                              "run again");
  count(behind, 1);
  park(behind, place, Phase::main);
  return {};
}

// Of an edge to a meeting, and of those of the same node, which were skipped for it: how many.
std::int64_t RunStep::forget_meetings(const Token& behind, int edge) {
  const Graph& graph = *behind.spot.graph;
  std::int64_t skipped = 0;
  for (const int e : graph.nodes()[behind.node].in) {
    if (graph.edges()[e].from != graph.edges()[edge].from) continue;
    edit_.erase(
        meeting_field(graph, e, behind.spot.scope, cut_tag(behind, graph.edges()[e].keeps)));
    if (e != edge) ++skipped;
  }
  return skipped;
}

// Its visit in that turn, when that has failed.
std::optional<Place> RunStep::failed_at(const Token& member) {
  const std::string& name = node_of(member).name;
  Place place = member.spot.outer;
  place.push_back({.node = name});
  const Graph& graph = *member.spot.graph;
  if (graph.nodes()[member.node].overlaps) {
    const Standpoint at{.node = member.node, .tag = member.tag};
    const auto made = edit_.read(turn_field(graph, at, member.spot.scope));
    if (!made) return std::nullopt;
    place.back().visit = read_turn_result(*made).visit;
  } else if (!member.tag.empty()) {
    place.back().visit = visits_of(member);
  }
  const auto about = about_of(write_place(place));
  const auto state = about.find("state");
  if (state == about.end()) return std::nullopt;
  if (read_string(state->second).value_or("") != to_text(JobState::failed)) return std::nullopt;
  return place;
}

}  // namespace penstock::rules
