// SPDX-License-Identifier: MIT
//
// The calendar time of a Redis, so that all machines that share it agree about what is due: this
// machine's monotonic clock plus an offset that is measured again every ten seconds. One machine
// whose own clock is wrong therefore does no harm.
#pragma once

#include "store/redis/reply.h"

#include <penstock/clock.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>

namespace penstock::redis {

/// Thread-safe. Until the first sample it tells the local time.
class ServerClock : public Clock {
 public:
  /// `local` must outlive it.
  explicit ServerClock(Clock& local = real_clock()) : local_(local) {}

  [[nodiscard]] Time now() const override;
  [[nodiscard]] SteadyTime steady() const override { return local_.steady(); }
  bool wait_until(SteadyTime until, std::stop_token stop) override {
    return local_.wait_until(until, std::move(stop));
  }

  /// A sample is wanted: send TIME with the next exchange and hand its reply to sample().
  [[nodiscard]] bool due(SteadyTime now) const;
  /// `time` is the reply to TIME, which was sent and received at these times. The offset is the
  /// median of the last three samples, so that one slow or wrong answer moves nothing. A reply of
  /// another shape (an error) is no sample.
  void sample(const Reply& time, SteadyTime sent, SteadyTime received);
  /// How far the server is ahead of this machine's calendar.
  [[nodiscard]] Duration offset() const;

 private:
  Clock& local_;
  std::atomic<bool> known_{false};
  std::atomic<std::int64_t> offset_us_{0};  // Server's calendar minus local monotonic time.
  std::atomic<std::int64_t> next_ns_{0};    // When the next sample is due, monotonic.
  std::mutex mutex_ = {};                   // Guards the two below.
  std::array<std::int64_t, 3> samples_us_ = {};
  std::size_t count_ = 0;
};

}  // namespace penstock::redis
