// SPDX-License-Identifier: MIT
//
// Where handlers run. Slots has two implementations: threads, for a worker, and the caller's own
// thread, for Worker::run_one and the simulation.
#pragma once

#include "worker/attempt.h"

#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace penstock {

/// An attempt that has come to its end.
struct Ended {
  std::shared_ptr<Attempt> attempt;
  rules::Outcome outcome;
};

class Slots {
 public:
  virtual ~Slots() = default;
  /// How many attempts may run at the same time.
  [[nodiscard]] virtual int size() const = 0;
  /// Whether attempts may be handed over before a slot is free.
  [[nodiscard]] virtual bool queues() const = 0;
  /// Hands an attempt over. It runs when a slot is free, unless it is revoked before.
  virtual void start(std::shared_ptr<Attempt> attempt) = 0;
  /// What has ended since the last call.
  virtual std::vector<Ended> take_ended() = 0;
  /// Gives a slot up whose handler does not return.
  virtual void lose_one() = 0;
};

/// N threads.
class ThreadSlots : public Slots {
 public:
  struct Surroundings {
    Clock& clock;
    Client* client = nullptr;
    /// Called from a slot's thread when there is something to take.
    std::function<void()> ring = {};
    /// Asked right before a handler starts: may this process still run what it holds?
    std::function<bool()> may_start = {};
  };
  ThreadSlots(int count, Surroundings surroundings);
  /// Waits for the handlers that run. REQUIRES: they end.
  ~ThreadSlots() override;

  [[nodiscard]] int size() const override;
  [[nodiscard]] bool queues() const override { return true; }
  void start(std::shared_ptr<Attempt> attempt) override;
  std::vector<Ended> take_ended() override;
  void lose_one() override;

 private:
  void work(const std::stop_token& stop);
  std::shared_ptr<Attempt> next(const std::stop_token& stop);

  const Surroundings around_;
  mutable std::mutex mutex_;  // Guards the four below.
  std::condition_variable_any handed_over_;
  std::deque<std::shared_ptr<Attempt>> waiting_;
  std::vector<Ended> ended_;
  int usable_;
  std::vector<std::jthread> threads_;
};

/// Runs each attempt within start().
class InlineSlots : public Slots {
 public:
  InlineSlots(Clock& clock, Client* client) : clock_(clock), client_(client) {}

  [[nodiscard]] int size() const override { return 1; }
  [[nodiscard]] bool queues() const override { return false; }
  void start(std::shared_ptr<Attempt> attempt) override {
    if (!attempt->claim()) return;
    rules::Outcome outcome = attempt->run(clock_, client_);
    ended_.push_back({std::move(attempt), std::move(outcome)});
  }
  std::vector<Ended> take_ended() override { return std::exchange(ended_, {}); }
  void lose_one() override {}

 private:
  Clock& clock_;
  Client* client_;
  std::vector<Ended> ended_;
};

}  // namespace penstock
