// SPDX-License-Identifier: MIT
//
// The pump moves jobs between the store and the slots: it alone makes the session's numbered calls.
// One step collects what ended, exchanges it for new jobs in one call, and starts what it may. It
// never blocks; Worker::run waits between steps, the simulation does not.
//
// After a call that was not answered the pump is in doubt: it asks `held` before anything else,
// runs what it did not know it had, sends again what is still held, and drops what is not.
#pragma once

#include "worker/pulse.h"
#include "worker/slots.h"

#include <deque>
#include <map>
#include <random>

namespace penstock {

struct PumpOptions {
  WorkerProfile profile = {};
  std::vector<QueueWeight> queues = {};
  Retention retention = {};
  Duration grace{30'000};
  std::int64_t max_jobs = 0;
  bool burst = false;
  std::uint64_t seed = 0;  ///< For the back-off's jitter and the order of queues.
};

/// How Worker::run goes on after a step.
struct Rest {
  bool finished = false;  ///< Drained: the session is closed.
  bool again = false;     ///< Step again at once.
  WaitFor what = {};
  Duration longest{0};
};

/// Not thread-safe, but for `request`.
class Pump {
 public:
  enum class Mode : std::uint8_t { fetch, quiet, drain, give_back };

  Pump(Store& store, Slots& slots, const Tasks& tasks, Pulse& pulse, PumpOptions options);

  Rest step();
  /// What `wait` said after a rest: something may be ready again.
  void woken(Woken why) {
    if (why != Woken::ring) may_have_work_ = true;
  }
  /// Asked from outside: goes to `mode` with the next step; only forward, except quiet <-> fetch.
  void request(Mode mode) { requested_.store(mode); }
  [[nodiscard]] WorkerStats stats() const;
  [[nodiscard]] std::vector<std::string> describe_slots() const;
  /// A slot was lost to a handler that does not stop: the process should be started anew.
  [[nodiscard]] bool recycle() const { return recycle_; }
  /// The numbers of jobs in hand and running, for tests.
  [[nodiscard]] std::size_t holding() const { return items_.size(); }

 private:
  struct Item {
    std::shared_ptr<Attempt> attempt;
    SteadyTime fetched_at{};
    bool running = false;
    bool abandoned = false;   ///< Not ours any more, but its handler still runs.
    bool given_back = false;  ///< By ourselves: what its handler still says is of no interest.
    bool timed_out = false;
    bool cancelled = false;
  };
  using ItemKey = std::pair<rules::JobKey, Fence>;

  bool open_session(SteadyTime now);
  void follow_orders(const Heard& heard, SteadyTime now);
  void collect(SteadyTime now);
  void check_deadlines(SteadyTime now);
  void give_back_waiting(SteadyTime now);
  void flush_notes(SteadyTime now);
  void exchange(SteadyTime now);
  void settle(const Exchange& answer, std::size_t sent, std::size_t wanted, SteadyTime now);
  void resolve_doubt(SteadyTime now);
  void accept(Reserved reserved, SteadyTime now);
  void start_what_may(const Heard& heard, SteadyTime now);
  void lose_session(std::string_view why);
  void end_item(const ItemKey& key, const Item& item, const rules::Outcome& outcome);
  bool finish_draining();
  void publish(bool in_call);
  Rest rest(const Heard& heard, SteadyTime now) const;
  [[nodiscard]] std::size_t wanted() const;
  [[nodiscard]] std::size_t prefetch() const;
  [[nodiscard]] std::vector<std::string> queue_order();
  void forget(std::map<ItemKey, Item>::iterator item);
  void hear_of_work(const Heard& heard);
  void describe(SteadyTime now);
  [[nodiscard]] bool holds_suspect() const;
  rules::Outcome no_such_task(const Reserved& reserved);

  Store& store_;
  Slots& slots_;
  const Tasks& tasks_;
  Pulse& pulse_;
  const PumpOptions options_;
  std::mt19937_64 dice_;

  SessionId session_;
  std::uint64_t call_ = 0;
  bool in_doubt_ = false;
  SteadyTime not_before_{};  // After an unanswered call: when to try again.
  Duration pause_{0};

  std::map<ItemKey, Item> items_;
  int running_ = 0;            // Items whose handler runs.
  std::deque<ItemKey> queue_;  // In hand, not started.
  std::vector<rules::Transition> outbox_;
  std::vector<Note> notes_;
  SteadyTime next_notes_{};

  bool may_have_work_ = true;
  SteadyTime hinted_at_{};  // The beat whose hint of work was followed already.
  SteadyTime next_description_{};
  bool fetch_alone_ = false;  // A suspect waits for us: fetch nothing until nothing is held.
  Bell seen_{};
  bool drained_dry_ = false;  // Burst: an exchange found nothing.
  Mode mode_ = Mode::fetch;
  std::atomic<Mode> requested_{Mode::fetch};
  std::optional<SteadyTime> drain_since_;
  bool recycle_ = false;
  double mean_run_ms_ = -1;  // Unknown until the first job has ended.
  std::int64_t taken_ = 0;

  mutable std::mutex stats_mutex_;  // Guards stats_ and slot_lines_, which other threads read.
  WorkerStats stats_;
  std::vector<std::string> slot_lines_;
  const SteadyTime born_;
};

}  // namespace penstock
