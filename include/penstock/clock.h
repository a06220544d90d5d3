// SPDX-License-Identifier: MIT
//
// The only door to time. Everything that reads a clock or waits takes a Clock, so that tests and
// the simulation own time (testing.h has the clock that stands still until it is told to move).
//
// Two times, never mixed: `now()` is calendar time, for due times, expiry and what people read;
// `steady()` never jumps, for time-outs, beats and everything that measures how long something
// took.
#pragma once

#include <chrono>
#include <stop_token>

namespace penstock {

/// A length of time in milliseconds, the resolution of every delay and time-out here.
using Duration = std::chrono::milliseconds;
/// A point in calendar time, UTC, in milliseconds.
using Time = std::chrono::sys_time<std::chrono::milliseconds>;
/// A point on this machine's monotonic clock; means nothing on another machine.
using SteadyTime = std::chrono::time_point<std::chrono::steady_clock, std::chrono::nanoseconds>;

/// A source of time. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;

  /// Calendar time of the store, in UTC.
  [[nodiscard]] virtual Time now() const = 0;
  /// This machine's monotonic time.
  [[nodiscard]] virtual SteadyTime steady() const = 0;
  /// Blocks until `until` or until `stop` is requested; true when it was stopped.
  virtual bool wait_until(SteadyTime until, std::stop_token stop) = 0;
};

/// The machine's own clocks. Lives as long as the program.
Clock& real_clock();

}  // namespace penstock
