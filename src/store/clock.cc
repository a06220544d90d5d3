// SPDX-License-Identifier: MIT
//
// The machine's clocks: the one place where they are read and where anybody waits for time to pass.
#include <penstock/clock.h>

#include <condition_variable>
#include <mutex>

namespace penstock {
namespace {

class RealClock : public Clock {
 public:
  [[nodiscard]] Time now() const override {
    return std::chrono::floor<Duration>(std::chrono::system_clock::now());
  }
  [[nodiscard]] SteadyTime steady() const override { return std::chrono::steady_clock::now(); }
  bool wait_until(SteadyTime until, std::stop_token stop) override {
    std::mutex mutex;
    std::condition_variable_any never;
    std::unique_lock lock(mutex);
    never.wait_until(lock, stop, until, [] { return false; });
    return stop.stop_requested();
  }
};

}  // namespace

Clock& real_clock() {
  static RealClock clock;
  return clock;
}

}  // namespace penstock
