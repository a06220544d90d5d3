// SPDX-License-Identifier: MIT
//
// A run that a node of another run has started: the node waits like a gate until the run inside
// has ended, and takes its output for its result.
#include "rules/duration.h"
#include "rules/json.h"
#include "rules/run_json.h"
#include "rules/run_step.h"

#include <algorithm>

namespace penstock::rules {
namespace {

constexpr std::string_view halts = "halt";  // The place of a step that asks a run to fail.

}  // namespace

void RunStep::start_child(const NodeReport& report, const Token& token) {
  // Nothing begins in a run that fails.
  if (state_ != RunState::running) return park(token, report.place, report.phase);
  const FlowNode& node = node_of(token);
  const std::string at = write_place(report.place);
  edit_.erase("j:" + at);
  edit_.write("k:" + at, report.child);
  open_gate(token, report.place);
  const auto& body = token.spot.graph->nodes()[token.node].body;
  const PinnedGraph inner{.graph = body, .hash = flow_.hash + '/' + node_path(report.place)};
  RunEdit& child = (*edit_of_)(report.child);
  RunStart start{.definition = inner.hash,
                 .input = report.child_input,
                 .parent_run = edit_.run(),
                 .parent_place = at};
  if (const auto until = edit_.read_number("until"); until > 0) start.until = from_ms(until);
  RunStep(inner, clock_, child, edit_of_).start(start);
  history("node " + node.name + " started run " + report.child);
}

void end_inside(const PinnedGraph& flow, EndInside how, RunEdit& edit) {
  edit.read("def");
  RunStep(flow, {}, edit, nullptr).ask_to_end(how);
}

void RunStep::ask_to_end(EndInside how) {
  const bool fails = how == EndInside::fail;
  put_step({{.node = std::string(fails ? halts : "cancel")}}, Phase::cancel, std::nullopt, "");
}

// One that fails undoes what it has done, and then tells the run around it.
void RunStep::end_as_around(const NodeReport& report) {
  if (report.place.front().node != halts) return cancel("the run around it has ended");
  if (state_ == RunState::running) fail({}, "the run around it has failed");
  count_jobs(0);
}

namespace {

bool tells_error(std::string_view answer) {
  const auto object = read_raw_object(answer);
  return object && object->contains("error");
}

bool compensates(const Graph& graph) {
  return std::ranges::any_of(graph.nodes(), [](const Graph::Node& node) {
    if (!node.node->undo_task.empty()) return true;
    return node.node->kind == FlowNode::Kind::flow && node.body && compensates(*node.body);
  });
}

}  // namespace

bool fails_runs_inside(const Graph& graph, bool late, bool inside) {
  return late || inside || compensates(graph);
}

// It has answered with an error, which its node has not heard of: that one was halted before. Or it
// is another run's.
bool RunStep::inside_lost(const Token& token, const Place& place, bool forked) {
  if (node_of(token).kind != FlowNode::Kind::child) return false;
  const std::string at = write_place(place), told = edit_.read("g:" + at).value_or("");
  if (forked && told == "open") {
    for (const char* kind : {"k:", "g:", "n:"}) edit_.erase(kind + at);
    return true;
  }
  return tells_error(told);
}

bool RunStep::has_answered(const Token& token, const Place& place) {
  if (node_of(token).kind != FlowNode::Kind::child) return false;
  const std::string told = edit_.read("g:" + write_place(place)).value_or("");
  return read_raw_object(told).has_value() && !tells_error(told);
}

// It was ended with this run, or with another cause to end: a retry starts another, whatever
// failures are tolerated.
void RunStep::end_with_run(const NodeReport& ended, const Token& token) {
  const bool item = ended.place.back().item >= 0;
  record(ended, token, JobState::failed);
  edit_.erase("g:" + write_place(ended.place));
  park(token, ended.place, item ? Phase::item : Phase::main);
}

void RunStep::tell_parent(RunState state) {
  const auto parent = edit_.read("parent");
  if (!parent || !edit_of_) return;
  const auto bar = parent->find('|');
  RunEdit& edit = (*edit_of_)(parent->substr(0, bar));
  const std::string at = parent->substr(bar + 1);
  // One that was retried by itself has succeeded after all: a retry of the run around it takes
  // that.
  const std::string told = edit.read("g:" + at).value_or("");
  if (told != "open" && (state != RunState::succeeded || !tells_error(told))) return;
  if (edit.read("k:" + at) != edit_.run()) return;  // Another one is in its place.
  JsonWriter answer;
  answer.begin_object().key("action");
  answer.text(state == RunState::succeeded ? last_action_ : std::string(to_text(state)));
  answer.key("answer").raw(state == RunState::succeeded ? edit_.guess("output").value_or("null")
                                                        : "null");
  if (state != RunState::succeeded) {
    answer.key("error").text("run " + edit_.run() + " inside ended " + std::string(to_text(state)) +
                             ": " + edit_.read("error").value_or(""));
  }
  // What is undone before the run around it was not.
  const bool stays = edit_.read("cause") || edit_.read("iu");
  if (state == RunState::failed && stays) answer.key("not_undone").raw("true");
  answer.end_object();
  edit.write("g:" + at, answer.take());
  if (told == "open") edit.wake("j:" + at);
}

}  // namespace penstock::rules
