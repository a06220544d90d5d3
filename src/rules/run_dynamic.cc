// SPDX-License-Identifier: MIT
//
// Dynamic steps: what comes next because the node's code has asked for it.
#include "rules/run_step.h"

#include <charconv>

namespace penstock::rules {

void RunStep::follow(const NodeReport& report, const Token& token) {
  const bool fails = state_ != RunState::running;
  if (report.cancel || (report.terminate && !fails)) return end_as_asked(report);
  // A run that fails does not succeed by that; after a retry nothing follows this node.
  bool instead = report.terminate.has_value() && report.place.back().item < 0;
  for (const NextNode& next : report.next) {
    instead = instead || next.instead;
    fire(named_by(token, token.spot.graph->find(next.node)), true);
  }
  if (!report.iterate && !instead) {
    return instance_done(token, report.place, report.action, Kind::taken);
  }
  remember_undo(token, report.place);
  if (report.iterate) return iterate(report, token);
  complete(token, report.action, Kind::skipped);
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

void RunStep::iterate(const NodeReport& report, const Token& token) {
  Place place = token.spot.outer;
  place.push_back({.node = node_of(token).name, .visit = visits_of(token) + 1});
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
