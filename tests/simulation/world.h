// SPDX-License-Identifier: MIT
//
// A fleet in one thread: the real pump, heart, rescuer and tender of every worker, stepped by hand
// under a clock that stands still in between, on a store that loses calls by chance. Workers die
// without a word, stop for seconds and come back, and are replaced. One seed, one course of events.
#pragma once

#include "tests/support/faulty_store.h"
#include "tests/support/store_fixture.h"
#include "worker/heart.h"
#include "worker/pump.h"

#include <deque>
#include <memory>
#include <random>
#include <vector>

namespace penstock::testing {

/// Attempts that take a number of rounds: claimed in one, ended in a later one.
class SimSlots : public Slots {
 public:
  SimSlots(int count, Clock& clock, std::mt19937_64& dice)
      : count_(count), clock_(clock), dice_(dice) {}

  [[nodiscard]] int size() const override { return count_; }
  [[nodiscard]] bool queues() const override { return true; }
  void start(std::shared_ptr<Attempt> attempt) override { waiting_.push_back(std::move(attempt)); }
  std::vector<Ended> take_ended() override { return std::exchange(ended_, {}); }
  void lose(const Attempt& /*attempt*/) override { --count_; }
  /// One round of work.
  void work(bool may_start);

 private:
  struct Busy {
    std::shared_ptr<Attempt> attempt;
    int rounds = 0;
  };
  int count_;
  Clock& clock_;
  std::mt19937_64& dice_;
  std::deque<std::shared_ptr<Attempt>> waiting_;
  std::vector<Busy> busy_;
  std::vector<Ended> ended_;
};

class SimWorker {
 public:
  SimWorker(StoreUnderTest& store, const Tasks& tasks, std::mt19937_64& dice, double loss,
            PumpOptions options);

  void step();
  /// Stops the whole process for so many rounds.
  void pause(int rounds) { paused_ = rounds; }
  void drain() { pump_.request(Pump::Mode::drain); }
  [[nodiscard]] bool finished() const { return finished_; }
  void lose_nothing();

 private:
  FaultyStore pump_store_, heart_store_, upkeep_store_;
  Pulse pulse_;
  Clock& clock_;
  SimSlots slots_;
  Pump pump_;
  Heart heart_;
  Tender tender_;
  SteadyTime next_beat_{}, next_tending_{};
  int paused_ = 0;
  bool finished_ = false;
};

struct WorldOptions {
  std::uint64_t seed = 1;
  int workers = 4, jobs = 150, rounds = 400;
  double loss = 0.02;    ///< Share of calls whose request or reply is lost.
  double deaths = 0.02;  ///< Chance per round that a worker dies.
  double pauses = 0.02;  ///< Chance per round that one stops for a while.
};

class World {
 public:
  explicit World(const WorldOptions& options);

  /// Trouble first, then calm until everything has ended. False when it does not end.
  bool run();
  Store& store() { return *store_; }
  [[nodiscard]] const std::vector<JobId>& jobs() const { return jobs_; }

 private:
  void submit_some();
  void disturb();
  void add_worker();
  bool all_ended();

  const WorldOptions options_;
  std::mt19937_64 dice_;
  StoreUnderTest store_{StoreKind::sqlite_memory};
  FaultyStore front_;
  Tasks tasks_;
  std::vector<std::unique_ptr<SimWorker>> workers_;
  std::vector<JobId> jobs_;
  std::string nonce_ = "front";
  std::uint64_t call_ = 0;
  int born_ = 0;
};

}  // namespace penstock::testing
