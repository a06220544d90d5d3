// SPDX-License-Identifier: MIT
//
// A worker with nothing to do, as its server hears it. Whatever it says here is said by every idle
// worker of a fleet, all day long.
#include "tests/support/losing_proxy.h"
#include "tests/support/redis_server.h"

#include <penstock/json.h>
#include <penstock/log.h>
#include <penstock/worker.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace penstock::testing {
namespace {

using SteadyClock = std::chrono::steady_clock;
constexpr std::chrono::seconds patience{60};

struct Written {
  SteadyClock::time_point at = {};
  std::string text = {};  ///< What came in one piece.

  [[nodiscard]] bool holds(std::string_view word) const {
    return text.find("\r\n" + std::string(word) + "\r\n") != std::string::npos;
  }
  [[nodiscard]] bool is_blocking() const { return holds("BLPOP"); }
  [[nodiscard]] bool asks_time() const { return holds("TIME"); }
  /// Each command of a piece begins with *N.
  [[nodiscard]] int commands() const {
    int count = text.starts_with('*') ? 1 : 0;
    for (auto end = text.find("\r\n*"); end != std::string::npos;
         end = text.find("\r\n*", end + 1)) {
      ++count;
    }
    return count;
  }
};

class Overheard {
 public:
  LosingProxy::Fate hear(std::string_view request) {
    const std::lock_guard lock(mutex_);
    written_.push_back({SteadyClock::now(), std::string(request)});
    heard_.notify_all();
    return LosingProxy::Fate::pass;
  }

  // From `settled` after the first blocking read to the next question for the time.
  std::vector<Written> until_time_is_asked(SteadyClock::duration settled) {
    std::unique_lock lock(mutex_);
    std::vector<Written> found;
    heard_.wait_for(lock, patience, [&] {
      const auto reads = std::ranges::find_if(written_, &Written::is_blocking);
      if (reads == written_.end()) return false;
      const auto begin = std::ranges::upper_bound(written_, reads->at + settled, {}, &Written::at);
      const auto end = std::find_if(begin, written_.end(), std::mem_fn(&Written::asks_time));
      if (end == written_.end()) return false;
      found.assign(begin, end + 1);
      return true;
    });
    return found;
  }

 private:
  std::mutex mutex_;
  std::condition_variable heard_;
  std::vector<Written> written_;
};

TEST(RedisIdle, WorkerSaysNothingButBeatsTheTimeWithABeatAndOneBlockingRead) {
  set_log_level(LogLevel::off);
  const RedisServer server;
  Overheard overheard;
  const LosingProxy proxy(server.socket(),
                          [&](std::string_view request) { return overheard.hear(request); });
  Tasks tasks;
  tasks.add("count", [](const json&) {});
  Worker worker = Worker::open(proxy.url("p"), std::move(tasks), {.concurrency = 2}).value();
  Result<void> ended;
  std::jthread thread([&] { ended = worker.run(); });
  // At first it loads its scripts, and tends.
  const std::vector<Written> written =
      overheard.until_time_is_asked(std::chrono::milliseconds(2250));
  worker.stop();
  thread.join();
  EXPECT_TRUE(ended);
  ASSERT_FALSE(written.empty()) << "the time was not asked for";

  int beats = 0, reads = 0, called_back = 0;
  for (const Written& piece : written) {
    if (piece.is_blocking()) {
      ++reads;
    } else if (piece.holds("UNBLOCK")) {
      ++called_back;  // The first read did not know yet that this worker tends.
    } else {
      ++beats;
      EXPECT_TRUE(piece.holds("EVALSHA")) << piece.text;
    }
    EXPECT_EQ(piece.commands(), piece.asks_time() ? 2 : 1) << piece.text;
  }
  EXPECT_LE(reads, 1);
  EXPECT_LE(called_back, 1);
  const auto spent = std::chrono::duration<double>(written.back().at - written.front().at).count();
  EXPECT_GT(spent, 7);
  EXPECT_NEAR(beats, spent / 0.5, 2) << "in " << spent << " s";
}

}  // namespace
}  // namespace penstock::testing
