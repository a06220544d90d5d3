// SPDX-License-Identifier: MIT
//
// How a run fails, compensates, and ends. A run that fails goes on until what runs has ended; what
// would be fired is parked instead, as an open step without a job. So nothing that has begun is
// forgotten, and a retry fires exactly what is parked.
#include "rules/duration.h"
#include "rules/json.h"
#include "rules/run_json.h"
#include "rules/run_step.h"

#include <algorithm>

namespace penstock::rules {

void RunStep::fail(const Place& place, std::string why) {
  if (state_ != RunState::running) return;
  state_ = RunState::failing;
  failing_ = true;
  edit_.write("state", std::string(to_text(RunState::failing)));
  std::string text = place.empty() ? why : "node " + write_place(place) + ": " + why;
  history(text);
  edit_.write("error", std::move(text));
}

void RunStep::time_out() {
  const auto own = flow_.graph->definition().limits.timeout;
  const auto created = from_ms(edit_.read_number("created"));
  const auto until = from_ms(edit_.read_number("until"));
  edit_.write("late", "1");
  fail({}, own && created + *own <= until ? "timed out after " + format_duration(*own)
                                          : "the run around it has timed out");
}

void RunStep::park(const Token& token, const Place& place, Phase phase) {
  edit_.write("j:" + write_place(place),
              write_tag(token.tag, token.passed) + '|' + std::string(to_text(phase)) + '|');
}

// The undo of a run inside failed: nothing that follows it is undone.
void RunStep::not_undone(const NodeReport& ended) {
  edit_.write("iu", write_place(ended.place));
  if (state_ == RunState::running) return;  // It fails with that.
  edit_.write("error", edit_.read("error").value_or("") + "; and node " + write_place(ended.place) +
                           ": " + ended.error);
}

// `change` jobs more or fewer are in flight.
void RunStep::halted(std::int64_t change) {
  const std::int64_t active = edit_.read_number("a") + change;
  if (active > 0) {
    // What waits for an answer or a time would keep the run from its end.
    if (failing_) put_step({}, Phase::sweep, std::nullopt, "");
    return edit_.write_number("a", active + (failing_ ? 1 : 0));
  }
  edit_.write_number("a", 0);
  const std::int64_t number = edit_.read_number("un");
  if (number == 0 || edit_.read("iu")) return finish(RunState::failed);
  edit_.write("state", std::string(to_text(RunState::compensating)));
  undo(number);
}

// It will be tried again, with what its prep has done. Of a run that fails the sweep has come
// before.
void RunStep::put_off(const NodeReport& report, RunState state) {
  const std::string at = write_place(report.place);
  if (report.prepared) edit_.write("p:" + at, *report.prepared);
  if (report.prepared && !report.kept_writes.empty()) edit_.write("pw:" + at, report.kept_writes);
  for (const std::string& lock : report.locks) {
    const bool kept =
        report.prepared && std::ranges::find(report.kept_locks, lock) != report.kept_locks.end();
    if (!kept) edit_.erase(lock);
  }
  if (state != RunState::failing) return;
  put_step({}, Phase::sweep, std::nullopt, "");
  edit_.add({.name = "a", .by = "1"});
}

void RunStep::undo(std::int64_t number) {
  const std::string done = edit_.read("u:" + std::to_string(number)).value_or("");
  const auto bar = std::min(done.find('|'), done.size());
  const auto place = read_place(std::string_view(done).substr(0, bar));
  if (!place) return finish(RunState::failed);
  const std::string tag = done.substr(std::min(bar + 1, done.size()));
  Token token{.spot = spot_of(*place), .tag = read_tag(tag), .passed = read_passed(tag)};
  token.node = token.spot.graph->find(place->back().node);
  put_job(token, *place, Phase::undo, {});
}

void RunStep::undone(const NodeReport& report) {
  if (state_ != RunState::compensating) return;
  const std::string at = write_place(report.place);
  edit_.erase("j:" + at);
  if (report.end != NodeReport::End::succeeded) {
    const std::string text = "the compensation of " + at + " failed: " + report.error;
    history(text);
    const std::string cause = edit_.read("error").value_or("");
    edit_.write("cause", cause);
    edit_.write("error", cause + "; and " + text);
    auto about = about_of(at);
    about["error"] = JsonWriter().text("its compensation failed: " + report.error).take();
    edit_.write("n:" + at, write_raw_object(about));
    park(Token{}, report.place, Phase::undo);  // A retry goes on there.
    return finish(RunState::failed);
  }
  commit(report);
  history("compensated " + at);
  auto about = about_of(at);  // When it ran and where is told as before.
  about.erase("error");
  about["state"] = '"' + std::string(to_text(RunState::compensated)) + '"';
  edit_.write("n:" + at, write_raw_object(about));
  const std::int64_t number = edit_.read_number("un");
  edit_.erase("u:" + std::to_string(number));
  edit_.erase("ur:" + at);
  edit_.write_number("un", number - 1);
  if (number <= 1) return finish(RunState::compensated, true);
  undo(number - 1);
}

void RunStep::undo_again() {
  if (auto cause = edit_.read("cause")) edit_.write("error", *std::move(cause));
  edit_.erase("cause");
  undo(edit_.read_number("un"));
}

void RunStep::finish(RunState state, bool leaves_open) {
  over_ = true;
  state_ = state;
  edit_.write("state", std::string(to_text(state)));
  edit_.write_number("ended", to_ms(clock_.now));
  edit_.mark({.state = std::string(to_text(state)), .keep_until = clock_.now + clock_.keep});
  // What is still open has nothing to do any more; gates would wait for ever.
  if (leaves_open) put_step({}, Phase::sweep, std::nullopt, "");
  tell_parent(state);
}

void RunStep::cancel(std::string_view why) {
  history("cancelled: " + std::string(why));
  edit_.write("error", std::string(why));
  finish(RunState::cancelled, true);
}

Result<void> cancel_run(const PinnedGraph& flow, std::string_view why, const StepClock& clock,
                        RunEdit& edit, const EditOf& edit_of) {
  const auto known = edit.read("state");
  const auto state = parse_run_state(known.value_or(""));
  if (!state) return Error{Errc::not_found, "there is no run " + edit.run()};
  if (is_final(*state)) {
    return Error{Errc::conflict, "run " + edit.run() + " has ended: it is " + *known};
  }
  RunStep(flow, clock, edit, &edit_of).cancel(why);
  return {};
}

void RunStep::retry(const std::vector<RunField>& open, std::string why, bool forked) {
  edit_.log({});
  std::vector<OpenStep> steps;
  for (const RunField& field : open) {
    if (auto step = read_open_step(field)) steps.push_back(*std::move(step));
  }
  const bool undoing = std::ranges::find(steps, Phase::undo, &OpenStep::phase) != steps.end();
  state_ = undoing ? RunState::compensating : RunState::running;
  edit_.write("state", std::string(to_text(state_)));
  edit_.write_number("steps", edit_.read_number("steps") + edit_.read_number("held"));
  for (const char* cell : {"ended", "until", "late", "held", "iu"}) edit_.erase(cell);
  edit_.mark({.state = std::string(to_text(state_))});
  history(std::move(why));
  // What was undone already stays so: such a run can only be undone to its end.
  if (undoing) return undo_again();
  edit_.erase("error");
  const auto made = edit_.read("made");
  edit_.erase("made");
  if (made && steps.empty()) {
    edit_.write("output", *made);
    return finish(RunState::succeeded);
  }
  set_deadline(std::nullopt);
  for (const OpenStep& opened : steps) {
    const OpenStep* const step = &opened;
    if (step->phase == Phase::item) edit_.erase("n:" + write_place(step->place));
    Token token{.spot = spot_of(step->place), .tag = step->tag, .passed = step->passed};
    token.node = token.spot.graph->find(step->place.back().node);
    if (step->phase == Phase::main) bring_back_result(token, step->place);
    // A run inside that was retried by itself has a result now.
    if (step->phase == Phase::main && has_answered(token, step->place)) {
      job(token, step->place, Phase::gate);
      continue;
    }
    // A run inside that is under way answers the run that started it and no fork.
    const bool again = step->phase == Phase::gate && inside_lost(token, step->place, forked);
    if (step->phase == Phase::main || step->phase == Phase::item || again) {
      edit_.erase("j:" + write_place(step->place));  // What has no job of its own is open no more.
      this->open(token, step->place);
    } else if (step->phase == Phase::gate &&
               edit_.read("g:" + write_place(step->place)) == "open") {
      open_gate(token, step->place);  // Its deadline begins anew.
    } else {
      job(token, step->place, step->phase);
    }
  }
  settle();
  if (!later_.empty()) count_jobs(0);
  edit_.write_number("a", began_);
}

void fork_run(const PinnedGraph& flow, const std::vector<RunField>& open, const StepClock& clock,
              RunEdit& edit) {
  edit.read("state");  // Absent: the last thing that a run gets.
  edit.write_number("created", to_ms(clock.now));
  const EditOf none = [&](const std::string&) -> RunEdit& { return edit; };
  const std::string from = edit.read("from").value_or("");
  const auto bar = from.find('|');
  RunStep(flow, clock, edit, &none)
      .retry(open, "forked from run " + from.substr(0, bar) + " before " + from.substr(bar + 1),
             true);
}

Result<void> retry_run(const PinnedGraph& flow, const std::vector<RunField>& open,
                       const StepClock& clock, RunEdit& edit) {
  const auto known = edit.read("state");
  if (parse_run_state(known.value_or("")) != RunState::failed) {
    return Error{Errc::conflict, "run " + edit.run() + " is " + known.value_or("unknown") +
                                     ": only a failed run can be retried"};
  }
  const EditOf none = [&](const std::string&) -> RunEdit& { return edit; };
  RunStep step(flow, clock, edit, &none);
  if (const auto why = step.exceeded(open)) {
    return Error{Errc::conflict, "run " + edit.run() + " cannot be retried: " + *why};
  }
  step.retry(open, "retried", false);
  return {};
}

}  // namespace penstock::rules
