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
  /// Hands an attempt over. REQUIRES: fewer than size() run.
  virtual void start(std::shared_ptr<Attempt> attempt) = 0;
  /// What has ended since the last call.
  virtual std::vector<Ended> take_ended() = 0;
  /// Gives a slot up whose handler does not return.
  virtual void lose_one() = 0;
};

/// N threads. `ring` is called whenever one has ended, from its thread.
class ThreadSlots : public Slots {
 public:
  ThreadSlots(int count, Clock& clock, Client* client, std::function<void()> ring);
  /// Waits for the handlers that run. REQUIRES: they end.
  ~ThreadSlots() override;

  [[nodiscard]] int size() const override;
  void start(std::shared_ptr<Attempt> attempt) override;
  std::vector<Ended> take_ended() override;
  void lose_one() override;

 private:
  void work(const std::stop_token& stop);

  Clock& clock_;
  Client* client_;
  const std::function<void()> ring_;
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
  void start(std::shared_ptr<Attempt> attempt) override {
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
