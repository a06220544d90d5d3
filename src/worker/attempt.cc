// SPDX-License-Identifier: MIT
#include "worker/attempt.h"

#include "rules/check.h"
#include "rules/json.h"
#include "rules/limits.h"
#include "worker/program_run.h"
#include "worker/spill.h"
#include "worker/thrown.h"

#include <algorithm>

namespace penstock {
namespace {

rules::Policy policy_of(const Reserved& reserved, const Tasks::Task& task,
                        const Retention& retention) {
  const auto own = rules::read_options(reserved.own);
  return rules::effective(own ? *own : rules::OwnOptions{}, task.defaults, retention);
}

Job visible_job(const Reserved& reserved, const rules::Policy& policy, std::string worker) {
  Job job;
  job.id = reserved.id;
  job.task = reserved.task;
  job.queue = reserved.queue;
  job.pool = reserved.pool;
  job.priority = reserved.priority;
  job.state = JobState::running;
  job.attempt = reserved.attempt;
  job.max_attempts = policy.max_attempts;
  job.crashes = reserved.crashes;
  job.payload = reserved.payload;
  job.worker = std::move(worker);
  job.created_at = reserved.created_at;
  if (!reserved.tags.empty()) {
    if (auto tags = rules::read_string_map(reserved.tags)) job.tags = *std::move(tags);
  }
  return job;
}

// A handler is a user's code: whatever it throws ends here, and only here.
rules::Outcome outcome_of(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const NoRetry& e) {
    return rules::Failed{.error = message_of(e), .retryable = false};
  } catch (const Snooze& s) {
    return rules::Snoozed{s.delay};
  } catch (const ProgramLater&) {
    return rules::Snoozed{};
  } catch (const Cancel& c) {
    return rules::Cancelled{c.what()};
  } catch (const ProgramCrash& c) {
    return rules::Crashed{.certificate = c.what(), .contained = true};
  } catch (const std::exception& e) {
    return rules::Failed{.error = message_of(e)};
  } catch (...) {
    return rules::Failed{.error = nameless_throw};
  }
}

}  // namespace

Attempt::Attempt(Reserved reserved, const Tasks::Task& task, const Retention& retention,
                 std::string worker, RunReader* runs, const Tasks* tasks)
    : reserved_(std::move(reserved)),
      task_(task),
      policy_(policy_of(reserved_, task, retention)),
      spill_(retention.spill),
      job_(visible_job(reserved_, policy_, std::move(worker))) {
  const auto own = rules::read_options(reserved_.own);
  if (!own || own->node.empty()) return;
  if (auto ticket = rules::read_ticket(own->node)) ticket_ = *std::move(ticket);
  if (!ticket_) return;
  job_.run = ticket_->run;
  if (!ticket_->place.empty()) job_.node = rules::write_place(ticket_->place);
  if (runs) node_.emplace(*runs, *tasks, &task_, *ticket_, reserved_);
}

rules::NodeReport Attempt::report() const {
  CHECK(ticket_.has_value());
  rules::NodeReport report;
  if (node_has_ended_) report = node_->report();
  report.place = ticket_->place;
  report.phase = ticket_->phase;
  report.tag = ticket_->tag;
  report.passed = ticket_->passed;
  report.worker = job_.worker;
  report.job = reserved_.id.text;
  report.attempt = reserved_.attempt;
  return report;
}

bool Attempt::claim() {
  Claim open = Claim::open;
  return claim_.compare_exchange_strong(open, Claim::claimed);
}

bool Attempt::revoke() {
  Claim open = Claim::open;
  return claim_.compare_exchange_strong(open, Claim::revoked);
}

JobContext& Attempt::begin(Clock& clock, Client* client) {
  CHECK(is_claimed());
  clock_ = &clock;
  job_.started_at = clock.now();
  started_.store(clock.steady().time_since_epoch().count());
  return context_.emplace(job_, reserved_.fence, stop_.get_token(), deadline(), *this, client);
}

rules::Outcome Attempt::run(Clock& clock, Client* client) {
  JobContext& context = begin(clock, client);
  if (comes_too_late()) return rules::Cancelled{"its run has timed out"};
  try {
    if (node_) {
      rules::Outcome ended = node_->run(context, reserved_.attempt >= policy_.max_attempts);
      node_has_ended_ = true;
      if (auto* done = std::get_if<rules::Succeeded>(&ended)) return succeeded(done->result);
      return ended;
    }
    return succeeded(task_.run(reserved_.payload, context));
  } catch (...) {
    node_has_ended_ = node_.has_value();
    return outcome_of(std::current_exception());
  }
}

void Attempt::start(Clock& clock, Client* client, AsyncLoop& loop,
                    const std::function<void(rules::Outcome)>& ended) {
  JobContext& context = begin(clock, client);
  if (comes_too_late()) return ended(rules::Cancelled{"its run has timed out"});
  if (node_) {
    node_->start(context, loop, reserved_.attempt >= policy_.max_attempts,
                 [this, ended](const std::exception_ptr& thrown, rules::Outcome outcome) {
                   node_has_ended_ = true;
                   if (thrown) return ended(outcome_of(thrown));
                   auto* done = std::get_if<rules::Succeeded>(&outcome);
                   ended(done ? succeeded(std::move(done->result)) : std::move(outcome));
                 });
    return;
  }
  try {
    task_.start(reserved_.payload, context, loop,
                [this, ended](const std::exception_ptr& thrown, std::string result) {
                  ended(thrown ? outcome_of(thrown) : succeeded(std::move(result)));
                });
  } catch (...) {
    ended(outcome_of(std::current_exception()));  // Its payload is not what it takes.
  }
}

std::size_t Attempt::max_result_bytes() const {
  return spill_.folder.empty() ? rules::max_result_bytes
                               : static_cast<std::size_t>(spill_.max_bytes);
}

rules::Outcome Attempt::succeeded(std::string result) const {
  if (auto ok = rules::check_json("result", result, max_result_bytes()); !ok) {
    const bool may_spill = ok.error().code == Errc::too_large && spill_.folder.empty();
    const std::string hint = may_spill ? ", or give the worker --spill DIR" : "";
    return rules::Failed{.error = ok.error().message + hint, .retryable = false};
  }
  if (result.size() <= rules::max_result_bytes) return rules::Succeeded{std::move(result)};
  auto instead = spill_result(spill_, reserved_.id, reserved_.fence, result);
  if (!instead) return rules::Failed{.error = instead.error().message};
  return rules::Succeeded{*std::move(instead)};
}

std::optional<SteadyTime> Attempt::deadline() const {
  const auto of_run = run_deadline();
  if (!policy_.timeout || !has_started()) return of_run;
  const SteadyTime own = started_at() + *policy_.timeout;
  return of_run ? std::min(own, *of_run) : own;
}

bool Attempt::comes_too_late() const {
  const auto end = run_deadline();
  return end && *end <= started_at();
}

std::optional<SteadyTime> Attempt::run_deadline() const {
  if (!ticket_ || !reserved_.run_until || !has_started()) return std::nullopt;
  using rules::Phase;
  const Phase phase = ticket_->phase;
  const bool goes_on = reserved_.run_state == to_text(rules::RunState::running);
  if (!goes_on || !is_of_node(phase) || phase == Phase::undo || phase == Phase::sweep) return {};
  return started_at() + (*reserved_.run_until - *job_.started_at);
}

void Attempt::progress(double share, std::string_view message) {
  const std::lock_guard lock(notes_mutex_);
  progress_ = std::clamp(share, 0.0, 1.0);
  message_ = message.substr(0, rules::max_log_line_bytes);
}

void Attempt::log(std::string_view line) {
  const std::lock_guard lock(notes_mutex_);
  lines_.push_back({.number = ++lines_written_,
                    .at = clock_->now(),
                    .attempt = reserved_.attempt,
                    .text = std::string(line.substr(0, rules::max_log_line_bytes))});
  // The store keeps 64 KiB; lines beyond it would be written only to be deleted.
  constexpr std::size_t most_lines = 2000;
  if (lines_.size() > most_lines) lines_.pop_front();
}

std::optional<Note> Attempt::take_note() {
  const std::lock_guard lock(notes_mutex_);
  if (!progress_ && lines_.empty()) return std::nullopt;
  Note note{
      .key = reserved_.key,
      .fence = reserved_.fence,
      .progress = progress_,
      .message = std::move(message_),
      .lines = {std::make_move_iterator(lines_.begin()), std::make_move_iterator(lines_.end())}};
  progress_.reset();
  message_.clear();
  lines_.clear();
  return note;
}

}  // namespace penstock
