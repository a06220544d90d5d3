// SPDX-License-Identifier: MIT
//
// One attempt at a job, from the hand-over to its outcome: the context that the handler sees, the
// notes that it leaves, and the one place where what a handler throws is caught.
#pragma once

#include "rules/options.h"
#include "store/store.h"
#include "worker/node_run.h"

#include <penstock/worker.h>

#include <atomic>
#include <deque>
#include <mutex>
#include <stop_token>

namespace penstock {

class Attempt : public JobPort {
 public:
  /// `runs` and `tasks` are for steps of runs; they may be null in tests.
  Attempt(Reserved reserved, const Tasks::Task& task, const Retention& retention,
          std::string worker, RunReader* runs = nullptr, const Tasks* tasks = nullptr);

  /// Claims the right to run; false when it was revoked. Called once, by the slot.
  bool claim();
  [[nodiscard]] bool is_async() const { return task_.is_async(); }
  /// The step of a run that it is, if any.
  [[nodiscard]] const std::optional<rules::NodeTicket>& ticket() const { return ticket_; }
  /// What the step left; nothing of one that still runs. REQUIRES: a ticket.
  [[nodiscard]] rules::NodeReport report() const;
  /// Runs the handler in the calling thread. REQUIRES: claimed, not async. `client` may be null in
  /// tests.
  rules::Outcome run(Clock& clock, Client* client);
  /// Starts an async handler; `ended` is told once, from any thread. REQUIRES: claimed, async.
  void start(Clock& clock, Client* client, AsyncLoop& loop,
             const std::function<void(rules::Outcome)>& ended);

  // For the pump, from its own thread.

  /// Takes it back from the slots; false when a slot has claimed it already.
  bool revoke();

  /// Fires the handler's stop token.
  void request_stop() { stop_.request_stop(); }
  /// What the handler left since the last call, as a note; nothing when there is nothing.
  std::optional<Note> take_note();
  [[nodiscard]] const Reserved& reserved() const { return reserved_; }
  [[nodiscard]] const rules::Policy& policy() const { return policy_; }
  [[nodiscard]] std::optional<SteadyTime> deadline() const;
  /// When the run that it is a step of is to have ended.
  [[nodiscard]] std::optional<SteadyTime> run_deadline() const;
  [[nodiscard]] bool comes_too_late() const;
  [[nodiscard]] SteadyTime started_at() const { return SteadyTime{Nanos{started_.load()}}; }
  [[nodiscard]] bool has_started() const { return started_.load() != 0; }
  [[nodiscard]] bool is_claimed() const { return claim_.load() == Claim::claimed; }

  // For the handler, through JobContext; thread-safe.
  void progress(double share, std::string_view message) override;
  void log(std::string_view line) override;
  [[nodiscard]] std::size_t max_result_bytes() const override;

 private:
  using Nanos = SteadyTime::duration;
  enum class Claim : std::uint8_t { open, claimed, revoked };

  JobContext& begin(Clock& clock, Client* client);
  [[nodiscard]] rules::Outcome succeeded(std::string result) const;

  const Reserved reserved_;
  const Tasks::Task& task_;
  const rules::Policy policy_;
  const Spill spill_;
  std::optional<rules::NodeTicket> ticket_;
  std::optional<NodeRun> node_;
  std::atomic<bool> node_has_ended_{false};  // Its report changes no more.
  Job job_;
  std::stop_source stop_;
  std::atomic<Claim> claim_{Claim::open};
  std::atomic<Nanos::rep> started_{0};
  std::mutex notes_mutex_;  // Guards the three below.
  std::optional<double> progress_;
  std::string message_;
  std::deque<LogLine> lines_;
  std::int64_t lines_written_ = 0;  // Guarded too.
  Clock* clock_ = nullptr;          // Set before the handler starts, like the next.
  std::optional<JobContext> context_;
};

}  // namespace penstock
