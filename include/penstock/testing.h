// SPDX-License-Identifier: MIT
//
// For tests of programs that use Penstock: a clock that stands still until it is moved.
#pragma once

#include <penstock/clock.h>

#include <condition_variable>
#include <mutex>

namespace penstock {

/// A clock that a test moves by hand. Thread-safe; waiters wake when it passes their time.
class SimClock : public Clock {
 public:
  explicit SimClock(Time start = Time{std::chrono::milliseconds{1'750'000'000'000}})
      : now_(start) {}

  [[nodiscard]] Time now() const override {
    std::lock_guard lock(mutex_);
    return now_;
  }
  [[nodiscard]] SteadyTime steady() const override {
    std::lock_guard lock(mutex_);
    return steady_;
  }
  bool wait_until(SteadyTime until, std::stop_token stop) override {
    std::unique_lock lock(mutex_);
    moved_.wait(lock, stop, [&] { return steady_ >= until; });
    return stop.stop_requested();
  }
  /// Moves both times forward.
  void advance(Duration by) {
    {
      std::lock_guard lock(mutex_);
      now_ += by;
      steady_ += by;
    }
    moved_.notify_all();
  }
  /// Steps calendar time alone, as an operator or NTP would.
  void step_calendar(Duration by) {
    std::lock_guard lock(mutex_);
    now_ += by;
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable_any moved_;
  Time now_;
  SteadyTime steady_{std::chrono::hours{1}};
};

}  // namespace penstock
