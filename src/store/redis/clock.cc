// SPDX-License-Identifier: MIT
#include "store/redis/clock.h"

#include <algorithm>
#include <charconv>

namespace penstock::redis {
namespace {

using std::chrono::microseconds;

constexpr std::chrono::seconds sample_interval{10};

std::int64_t in_us(SteadyTime time) {
  return std::chrono::floor<microseconds>(time.time_since_epoch()).count();
}

bool read_number(const Reply& reply, std::int64_t& into) {
  const std::string_view text = reply.text();
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), into);
  return failed == std::errc() && end == text.data() + text.size() && into >= 0;
}

}  // namespace

Time ServerClock::now() const {
  if (!known_.load(std::memory_order_acquire)) return local_.now();
  const microseconds since_epoch(in_us(local_.steady()) + offset_us_.load());
  return Time(std::chrono::floor<Duration>(since_epoch));
}

bool ServerClock::due(SteadyTime now) const {
  return !known_.load(std::memory_order_acquire) || now.time_since_epoch().count() >= next_ns_;
}

void ServerClock::sample(const Reply& time, SteadyTime sent, SteadyTime received) {
  std::int64_t seconds = 0, micros = 0;
  if (time.size() != 2 || !read_number(time[0], seconds) || !read_number(time[1], micros)) return;
  if (seconds > 100'000'000'000) return;  // In the year 5138 somebody may look at this line.
  const std::int64_t between = in_us(sent) + (in_us(received) - in_us(sent)) / 2;
  const std::lock_guard lock(mutex_);
  samples_us_[count_++ % samples_us_.size()] = seconds * 1'000'000 + micros - between;
  auto sorted = samples_us_;
  const std::size_t known = std::min(count_, sorted.size());
  std::sort(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(known));
  offset_us_ = sorted[known / 2];
  next_ns_ = (received + sample_interval).time_since_epoch().count();
  known_.store(true, std::memory_order_release);
}

Duration ServerClock::offset() const { return known_ ? now() - local_.now() : Duration{0}; }

}  // namespace penstock::redis
