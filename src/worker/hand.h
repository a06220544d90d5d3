// SPDX-License-Identifier: MIT
//
// What a worker has in hand: the jobs that its session took, waiting for a slot or running in one,
// and the transitions of those that have come to their end. The pump decides when to talk to the
// store; the hand decides what became of each attempt.
#pragma once

#include "rules/tally.h"
#include "worker/run_desk.h"
#include "worker/slots.h"

#include <deque>
#include <map>
#include <random>
#include <span>

namespace penstock {

/// Not thread-safe.
class Hand {
 public:
  Hand(Store& store, Slots& slots, const Tasks& tasks, std::string worker, Retention retention,
       Duration stop_patience, std::uint64_t seed)
      : store_(store),
        slots_(slots),
        tasks_(tasks),
        worker_(std::move(worker)),
        retention_(retention),
        stop_patience_(stop_patience),
        dice_(seed) {}

  /// Takes a job that the session was given. False: there is no handler here, and it has ended.
  bool take(Reserved reserved, SteadyTime now);
  /// Hands over to the slots what waits.
  void start();
  /// Turns what the slots have finished into transitions.
  void collect(SteadyTime now);
  /// Stops what is over its time; gives up slots whose handler does not stop. True: one was lost.
  bool stop_overdue(SteadyTime now);
  /// Stops the jobs that somebody has cancelled.
  void cancel(std::span<const rules::JobKey> keys);
  /// Gives back what waits for a slot too long, or (`all`) everything that waits.
  void give_back_waiting(SteadyTime now, bool all);
  /// Gives back what runs too; handlers are told to stop and nobody waits for them.
  void give_back_running();
  /// Nothing in hand is the session's any more. Handlers that run are told to stop; what they still
  /// say is sent, so that the store refuses and counts it.
  void abandon();
  /// Keeps only what the store says the session holds; takes what it did not know it had. Returns
  /// how many transitions had been applied by the call whose answer was lost.
  std::int64_t reconcile(std::vector<Reserved> held, SteadyTime now);
  /// What handlers have left since the last time: progress and log lines.
  std::vector<Note> take_notes();

  /// The session that what is taken from now on belongs to.
  void use_session(SessionNumber session) { session_ = session; }
  /// Decides what the first `count` transitions of the outbox change in their runs.
  void decide_runs(std::size_t count);
  /// Their runs were not as the transition expected: it will be decided anew.
  void take_back(const rules::Transition& next) { runs_->desk.take_back(next.runs); }
  /// Why; when all of them have been taken back.
  void learn(const std::vector<rules::RunConflict>& conflicts) { runs_->desk.learn(conflicts); }
  /// The transition has been answered.
  void settled(const rules::Transition& next) { steps_.erase({next.key, next.fence}); }

  /// Transitions that wait to be sent, oldest first; the pump takes them off when answered.
  std::vector<rules::Transition> outbox;
  /// What has been decided, counted.
  rules::Tally tally;

  [[nodiscard]] bool empty() const { return items_.empty(); }
  [[nodiscard]] int running() const;
  /// Jobs that the store counts as held by the session, unsent transitions included.
  [[nodiscard]] std::int64_t held() const;
  /// True when every job in hand is abandoned.
  [[nodiscard]] bool holds_nothing() const;
  [[nodiscard]] bool holds_suspect() const;
  /// How many more jobs to fetch: for free slots, some ahead of them, and for coroutines.
  [[nodiscard]] std::size_t room(SteadyTime now) const;
  /// True when a note would be lost if it were not written before the next exchange.
  [[nodiscard]] bool notes_are_urgent() const { return !last_notes_.empty(); }
  [[nodiscard]] std::vector<std::string> describe(SteadyTime now) const;

 private:
  struct Item {
    std::shared_ptr<Attempt> attempt;
    SteadyTime taken_at{};
    bool handed_over = false;
    bool abandoned = false;   ///< Not ours any more, but its handler still runs.
    bool given_back = false;  ///< By ourselves: what its handler still says is of no interest.
    std::optional<SteadyTime> overdue_since = {};  ///< Told to stop then, its time being over.
    bool cancelled = false;
  };
  using Key = std::pair<rules::JobKey, Fence>;
  using Items = std::map<Key, Item>;

  void end(const Key& key, const Item& item, const rules::Outcome& outcome);
  [[nodiscard]] std::size_t prefetch(SteadyTime now) const;
  [[nodiscard]] std::size_t coroutines() const;
  /// True when no handler runs for it and none will.
  static bool take_back(const Item& item) { return !item.handed_over || item.attempt->revoke(); }
  void end_step(const Key& key, const Attempt& attempt, const rules::Outcome& outcome);
  [[nodiscard]] rules::Outcome crashed_too_often(const Reserved& reserved);
  [[nodiscard]] rules::Outcome no_such_task(const Reserved& reserved) const;

  Store& store_;
  Slots& slots_;
  const Tasks& tasks_;
  const std::string worker_;
  const Retention retention_;
  const Duration stop_patience_;
  std::mt19937_64 dice_;
  Items items_;
  std::deque<Key> queue_;  // Not handed over yet, in order; may name what is gone.
  std::vector<Note> last_notes_;
  SteadyTime next_probe_{};  // For coroutines, while every slot is busy.
  // Of transitions in the outbox that are steps of runs.
  struct EndedStep {
    rules::NodeTicket ticket;
    rules::NodeReport report;
  };
  // What steps of runs need; there with the first of them.
  struct Runs {
    Runs(std::unique_ptr<Store> store, Duration keep)
        : handles(std::move(store)), desk(reader, keep) {}
    Handles handles;
    RunReader reader{handles};
    RunDesk desk;
  };
  /// Null when the store does not answer.
  RunReader* runs();
  SessionNumber session_{};
  std::unique_ptr<Runs> runs_;
  std::map<Key, EndedStep> steps_;
  double mean_run_ms_ = -1;  // Unknown until the first job has ended.
};

}  // namespace penstock
