// SPDX-License-Identifier: MIT
//
// Dynamic steps: what comes next because the node's code has asked for it.
#include "rules/run_step.h"

#include <charconv>

namespace penstock::rules {

void RunStep::follow(const NodeReport& report, const Token& token) {
  if (report.cancel || report.terminate) return end_as_asked(report);
  if (report.place.back().item >= 0 && (report.iterate || !report.next.empty())) {
    fail(report.place, "an item of a map cannot ask for other steps: ask behind the map");
    return park(token, report.place, report.phase);
  }
  if (report.iterate && !may_iterate(report, token)) {
    return park(token, report.place, report.phase);
  }
  bool instead = false;
  for (const NextNode& next : report.next) {
    const Graph& graph = *token.spot.graph;
    const int node = graph.find(next.node);
    if (node < 0) {
      fail(report.place, "it asked for a next node \"" + next.node + "\", which the flow lacks");
      return park(token, report.place, report.phase);
    }
    instead = instead || next.instead;
    fire(named_by(token, node), true);
  }
  if (report.iterate) return iterate(report, token);
  instance_done(token, report.place, report.action, instead ? Kind::skipped : Kind::taken);
}

void RunStep::end_as_asked(const NodeReport& report) {
  history((report.cancel ? "cancelled by " : "terminated by ") + write_place(report.place) + ": " +
          (report.cancel ? *report.cancel : *report.terminate));
  if (report.cancel) edit_.write("error", *report.cancel);
  if (!report.cancel) edit_.write("output", report.result);
  finish(report.cancel ? RunState::cancelled : RunState::succeeded, true);
}

// How often it has asked in a row: visits would count the turns of a loop around it too.
std::int64_t RunStep::cycles_of(const NodeReport& report) {
  const auto before = edit_.read("i:" + write_place(report.place));
  return before ? read_iteration(*before).cycles + 1 : 1;
}

bool RunStep::may_iterate(const NodeReport& report, const Token& token) {
  const int most = limits_of(token.spot).max_cycles;
  const std::int64_t cycles = cycles_of(report);
  if (cycles <= most) return true;
  fail(report.place, "it asked for another turn " + std::to_string(cycles) +
                         " times, max_cycles is " + std::to_string(most));
  return false;
}

void RunStep::iterate(const NodeReport& report, const Token& token) {
  const auto cell = "v:" + token.spot.scope + node_of(token).name;
  const bool in_loop = !token.spot.graph->nodes()[token.node].loops.empty();
  Place place = token.spot.outer;
  place.push_back(
      {.node = node_of(token).name, .visit = edit_.read_number(cell, in_loop ? 0 : 1) + 1});
  edit_.write("i:" + write_place(place), std::to_string(cycles_of(report)) + '|' + *report.iterate);
  count(token, -1);
  fire(token, true);
}

Iteration read_iteration(std::string_view text) {
  const auto bar = text.find('|');
  if (bar == text.npos) return {.value = text};
  Iteration iteration;
  std::from_chars(text.data(), text.data() + bar, iteration.cycles);
  iteration.value = text.substr(bar + 1);
  return iteration;
}

}  // namespace penstock::rules
