// SPDX-License-Identifier: MIT
//
// The pump moves jobs between the store and the hand: it alone makes the session's numbered calls.
// One step collects what ended, exchanges it for new jobs in one call, and starts what it may. It
// never blocks; Worker::run waits between steps, the simulation does not.
//
// After a call that was not answered the pump is in doubt: it asks `held` before anything else,
// runs what it did not know it had, sends again what is still held, and drops what is not.
#pragma once

#include "rules/limits.h"
#include "worker/hand.h"
#include "worker/pulse.h"

#include <limits>

namespace penstock {

struct PumpOptions {
  WorkerProfile profile = {};
  std::vector<QueueWeight> queues = {};
  Retention retention = {};
  Duration grace{30'000};
  /// How long a handler may take to stop when it is told to at its time-out.
  Duration stop_patience = rules::handler_stop_patience;
  Lifetime lifetime = {};
  std::uint64_t seed = 0;  ///< For the back-off's jitter and the order of queues.
};

/// How Worker::run goes on after a step.
struct Rest {
  bool finished = false;  ///< Drained: the session is closed.
  bool again = false;     ///< Step again at once.
  WaitFor what = {};
  Duration longest{0};
};

/// Not thread-safe, but for `request`, `stats`, `slots` and `tally`.
class Pump {
 public:
  enum class Mode : std::uint8_t { fetch, quiet, drain, give_back };

  Pump(Store& store, Slots& slots, const Tasks& tasks, Pulse& pulse, PumpOptions options);

  Rest step();
  /// What `wait` said after a rest: something may be ready again.
  void woken(Woken why) {
    if (why == Woken::store) may_have_work_ = true;
  }
  /// Called when an exchange tells of a job that is due earlier than upkeep knows.
  void on_due(std::function<void()> tell_upkeep) { tell_upkeep_ = std::move(tell_upkeep); }
  /// Takes at most so many jobs from now on, until it is said again.
  void allow(std::int64_t jobs) { allowance_ = jobs; }
  /// Asked from outside: goes to `mode` with the next step; only forward, except quiet <-> fetch.
  void request(Mode mode) { requested_.store(mode); }
  [[nodiscard]] WorkerStats stats() const;
  [[nodiscard]] std::vector<std::string> slots() const;
  [[nodiscard]] rules::Tally tally() const;
  /// A slot was lost to a handler that does not stop: the process should be started anew.
  [[nodiscard]] bool recycle() const { return recycle_; }
  /// There is a session: what is ready is taken.
  [[nodiscard]] bool in_session() const { return !session_.nonce.empty(); }
  /// It takes no more because its time is over, not because somebody asked.
  [[nodiscard]] bool wants_successor() const { return recycle_ || too_large_ || has_enough(); }
  [[nodiscard]] bool holds_nothing() const { return hand_.empty() && hand_.outbox.empty(); }

 private:
  bool open_session(SteadyTime now);
  void follow(const Heard& heard, SteadyTime now);
  void follow_mode(const Heard& heard, SteadyTime now);
  /// False when they were not answered: then nothing else may be sent.
  bool write_notes(SteadyTime now);
  void exchange(SteadyTime now);
  void settle(const Exchange& answer, std::size_t sent, std::size_t wanted, SteadyTime now);
  void resolve_doubt(SteadyTime now);
  void unanswered(SteadyTime now, const Error& error);
  void lose_session(std::string_view why, SteadyTime now);
  bool finish_draining(SteadyTime now);
  void publish(bool in_call);
  void describe(SteadyTime now);
  [[nodiscard]] Rest rest(const Heard& heard, SteadyTime now) const;
  [[nodiscard]] std::size_t wanted(SteadyTime now) const;
  [[nodiscard]] bool has_enough() const {
    return options_.lifetime.max_jobs > 0 && taken_ >= options_.lifetime.max_jobs;
  }
  [[nodiscard]] std::vector<std::string> queue_order();

  Store& store_;
  Slots& slots_;
  Pulse& pulse_;
  const PumpOptions options_;
  std::function<void()> tell_upkeep_ = [] {};
  std::mt19937_64 dice_;
  Hand hand_;

  SessionId session_;
  std::uint64_t call_ = 0;
  bool in_doubt_ = false;
  SteadyTime not_before_{};  // After an unanswered call: when to try again.
  Duration pause_{0};
  std::vector<Note> notes_;  // Not written yet.
  SteadyTime next_notes_{}, next_description_{}, next_tally_{};
  std::int64_t tally_told_ = 0;  // The version that the heart has.

  bool may_have_work_ = true;
  bool fetch_alone_ = false;  // A suspect waits for us: fetch nothing until nothing is held.
  bool found_nothing_ = false;
  SteadyTime waits_from_{};  // After a job that it had no handler for.
  SteadyTime hinted_at_{};   // The beat whose hint of work was followed already.
  Bell seen_{};
  Want asked_{};  // What the last exchange asked for: what a wait for work is about.
  Mode mode_ = Mode::fetch;
  std::atomic<Mode> requested_{Mode::fetch};
  std::optional<SteadyTime> drain_since_, give_back_since_;
  bool recycle_ = false, too_large_ = false;
  std::int64_t taken_ = 0;
  std::int64_t allowance_ = std::numeric_limits<std::int64_t>::max();

  mutable std::mutex stats_mutex_;  // Guards the three below, which other threads read.
  WorkerStats stats_;
  rules::Tally tally_;
  std::vector<std::string> slot_lines_;
  const SteadyTime born_;
};

}  // namespace penstock
