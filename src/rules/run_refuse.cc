// SPDX-License-Identifier: MIT
//
// What a node asks for and cannot have: it has failed then, and nothing of what it did is kept, so
// that a retry does it once.
#include "rules/counted.h"
#include "rules/duration.h"
#include "rules/json.h"
#include "rules/run_step.h"

#include <algorithm>

namespace penstock::rules {

bool RunStep::misses_edge(const Token& token, std::string_view action) {
  const Graph& graph = *token.spot.graph;
  const std::vector<int>& out = graph.nodes()[token.node].out;
  return !out.empty() &&
         std::ranges::none_of(out, [&](int e) { return graph.edges()[e].action == action; });
}

std::string RunStep::missing_edge(const Token& token, std::string_view action) {
  const Graph& graph = *token.spot.graph;
  std::set<std::string> known;
  for (const int e : graph.nodes()[token.node].out) known.insert(graph.edges()[e].action);
  std::string names;
  for (const std::string& name : known) names += (names.empty() ? "" : ", ") + name;
  return "it ended with action \"" + std::string(action) +
         "\", which has no edge (it has: " + names + ")";
}

std::optional<std::string> RunStep::refusal(const NodeReport& report, const Token& token) {
  if (report.cancel || report.terminate) return std::nullopt;
  if (report.items) {
    const Graph::Node& node = token.spot.graph->nodes()[token.node];
    const std::int64_t need = needed(node.node->map->policy, *report.items);
    // A member of a group is judged by what follows it.
    if (node.tolerated || need <= *report.items) return std::nullopt;
    return "the list has " + counted(*report.items, "item") + ", and " + std::to_string(need) +
           (need == 1 ? " has" : " have") + " to succeed";
  }
  if (report.place.back().item >= 0) {
    if (!report.iterate && report.next.empty()) return std::nullopt;
    return "an item of a map cannot ask for other steps: ask behind the map";
  }
  bool leads_on = report.iterate.has_value();
  for (const NextNode& next : report.next) {
    leads_on = leads_on || next.instead;
    if (token.spot.graph->find(next.node) >= 0) continue;
    return "it asked for a next node \"" + next.node + "\", which the flow lacks";
  }
  const FlowLimits limits = limits_of(token.spot);
  if (report.iterate && cycles_of(report) > limits.max_cycles) {
    return "it asked for another turn " + std::to_string(cycles_of(report)) +
           " times, max_cycles is " + std::to_string(limits.max_cycles);
  }
  if (leads_on || !limits.fail_on_missing || !misses_edge(token, report.action)) {
    return std::nullopt;
  }
  return missing_edge(token, report.action);
}

bool RunStep::refuse(const NodeReport& report, const Token& token) {
  const auto why = refusal(report, token);
  if (!why) return false;
  NodeReport failed = report;
  failed.end = NodeReport::End::failed;
  failed.error = *why;
  local_.clear();  // They come behind it.
  if (report.phase == Phase::gate) {
    edit_.erase("g:" + write_place(report.place));  // A retry asks again.
    failed.phase = Phase::main;
  }
  end_running(failed, token);
  return true;
}

// A flow or a map whose action has no edge: what it consists of has ended and stays so. A retry
// concludes it once more.
void RunStep::fail_to_lead_on(const Token& token, const Place& place, std::string_view action) {
  const std::string why = missing_edge(token, action);
  fail(place, why);
  JsonWriter about;
  about.begin_object().key("state").text(to_text(JobState::failed)).key("action").text(action);
  about.key("ended_ms").number(to_ms(clock_.now)).key("error").text(why).end_object();
  edit_.write("n:" + write_place(place), about.take());
  park(token, place, Phase::post);
}

// Why a run cannot go on from these steps: it would exceed a bound again, or its group is judged.
std::optional<std::string> RunStep::exceeded(const std::vector<RunField>& open) {
  const FlowLimits& limits = flow_.graph->definition().limits;
  if (edit_.read_number("steps") + edit_.read_number("held") > limits.max_steps) {
    return "it has made " + counted(limits.max_steps, "step") +
           ", which is max_steps; start another with higher limits";
  }
  for (const RunField& field : open) {
    const auto step = read_open_step(field);
    if (!step || step->phase != Phase::main) continue;
    if (auto judged = edit_.read("gf:" + write_place(step->place))) return judged;
    const int most = limits_of(spot_of(step->place)).max_visits;
    if (most == 0 || step->place.back().visit <= most) continue;
    return "node " + step->place.back().node + " has run " + counted(most, "time") +
           ", which is max_visits; start another with higher limits";
  }
  return std::nullopt;
}

}  // namespace penstock::rules
