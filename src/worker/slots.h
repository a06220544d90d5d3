// SPDX-License-Identifier: MIT
//
// Where handlers run. Slots has three implementations: threads, for plain handlers of a worker;
// coroutines, which share two threads (async_slots.h); and the caller's own thread, for
// Worker::run_one.
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
  /// How many attempts may run at the same time: handlers that block, and coroutines.
  [[nodiscard]] virtual int size() const = 0;
  [[nodiscard]] virtual int coroutines() const { return 0; }
  /// Whether attempts may be handed over before a slot is free.
  [[nodiscard]] virtual bool queues() const = 0;
  /// Hands an attempt over. It runs when a slot is free, unless it is revoked before.
  virtual void start(std::shared_ptr<Attempt> attempt) = 0;
  /// What has ended since the last call.
  virtual std::vector<Ended> take_ended() = 0;
  /// Gives the slot up whose handler does not return.
  virtual void lose(const Attempt& attempt) = 0;
};

/// What slots need of the worker around them.
struct SlotSurroundings {
  Clock& clock;
  Client* client = nullptr;
  /// Called from a slot's thread when there is something to take.
  std::function<void()> ring = {};
  /// Asked right before a handler starts: may this process still run what it holds?
  std::function<bool()> may_start = {};
};

/// N threads.
class ThreadSlots : public Slots {
 public:
  ThreadSlots(int count, SlotSurroundings surroundings);
  /// Waits for the handlers that run. REQUIRES: they end.
  ~ThreadSlots() override;

  [[nodiscard]] int size() const override;
  [[nodiscard]] bool queues() const override { return true; }
  void start(std::shared_ptr<Attempt> attempt) override;
  std::vector<Ended> take_ended() override;
  void lose(const Attempt& attempt) override;

 private:
  void work(const std::stop_token& stop);
  std::shared_ptr<Attempt> next(const std::stop_token& stop);

  const SlotSurroundings around_;
  mutable std::mutex mutex_;  // Guards the four below.
  std::condition_variable_any handed_over_;
  std::deque<std::shared_ptr<Attempt>> waiting_;
  std::vector<Ended> ended_;
  int usable_;
  std::vector<std::jthread> threads_;
};

class AsyncSlots;

/// Runs each attempt within start(); a coroutine on `coroutines`, which start() waits for. They are
/// null when no task is one.
class InlineSlots : public Slots {
 public:
  InlineSlots(Clock& clock, Client* client, std::unique_ptr<AsyncSlots> coroutines);
  ~InlineSlots() override;

  [[nodiscard]] int size() const override { return 1; }
  [[nodiscard]] int coroutines() const override { return coroutines_ ? 1 : 0; }
  [[nodiscard]] bool queues() const override { return false; }
  void start(std::shared_ptr<Attempt> attempt) override;
  std::vector<Ended> take_ended() override { return std::exchange(ended_, {}); }
  void lose(const Attempt& /*attempt*/) override {}

 private:
  Clock& clock_;
  Client* client_;
  std::unique_ptr<AsyncSlots> coroutines_;
  std::vector<Ended> ended_;
};

/// Threads for handlers that block, beside others for coroutines; either may be null, not both.
class MixedSlots : public Slots {
 public:
  MixedSlots(std::unique_ptr<Slots> threads, std::unique_ptr<Slots> coroutines)
      : threads_(std::move(threads)), coroutines_(std::move(coroutines)) {}

  [[nodiscard]] int size() const override { return threads_ ? threads_->size() : 0; }
  [[nodiscard]] int coroutines() const override {
    return coroutines_ ? coroutines_->coroutines() : 0;
  }
  [[nodiscard]] bool queues() const override { return true; }
  void start(std::shared_ptr<Attempt> attempt) override;
  std::vector<Ended> take_ended() override;
  void lose(const Attempt& attempt) override;

 private:
  std::unique_ptr<Slots> threads_, coroutines_;
};

}  // namespace penstock
