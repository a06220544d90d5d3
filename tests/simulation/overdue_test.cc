// SPDX-License-Identifier: MIT
//
// Handlers that go on after their time-out: the real pump, stepped by hand under a clock that
// stands still in between, and a handler in a thread that returns when the test lets it.
#include "rules/limits.h"
#include "tests/support/store_fixture.h"
#include "worker/pump.h"

#include <penstock/log.h>

#include <gtest/gtest.h>

#include <latch>

namespace penstock::testing {
namespace {

class Overdue : public ::testing::Test {
 protected:
  static constexpr Duration time_out{1000};

  Overdue() {
    set_log_level(LogLevel::off);
    tasks_.add_raw("stubborn", [this](std::string_view, JobContext& context) {
      running_.count_down();
      go_on_.wait();
      told_ = context.stop().stop_requested();
      return std::string("1");
    });
    id_ = Producer(*store_).add("stubborn", {.max_attempts = 1, .timeout = time_out});
    pump_.step();
    running_.wait();
  }

  void let_it_return() {
    go_on_.count_down();
    ended_.wait();
    pump_.step();
  }
  void pass(Duration time) { store_.clock().advance(time); }
  Job job() { return std::get<Job>(**store_->find(id_)); }

  std::latch running_{1}, go_on_{1}, ended_{1};
  bool told_ = false;
  StoreUnderTest store_{StoreKind::sqlite_memory};
  Tasks tasks_;
  Pulse pulse_;
  ThreadSlots slots_{1,
                     {.clock = store_.clock(),
                      .ring = [this] { ended_.count_down(); },
                      .may_start = [] { return true; }}};
  Pump pump_{*store_, slots_, tasks_, pulse_, {.profile = {.queues = {"default"}}, .queues = {{}}}};
  JobId id_;
};

TEST_F(Overdue, AProgramThatHasToBeKilledKeepsItsSlotWithTimeToSpare) {
  pass(time_out);
  pump_.step();
  pass(rules::program_ask_patience + rules::program_term_patience + Duration{5000});
  pump_.step();
  let_it_return();
  EXPECT_TRUE(told_);
  EXPECT_EQ(job().error, "timed out after 1s");
  EXPECT_FALSE(pump_.recycle());
}

TEST_F(Overdue, APumpThatWasHeldUpTellsTheHandlerBeforeItLosesPatience) {
  pass(time_out + rules::handler_stop_patience + Duration{1000});
  pump_.step();
  let_it_return();
  EXPECT_TRUE(told_);
  EXPECT_EQ(job().error, "timed out after 1s");
  EXPECT_FALSE(pump_.recycle());
}

TEST_F(Overdue, OneThatDoesNotStopIsGivenUpAndTheProcessReplaced) {
  pass(time_out);
  pump_.step();
  pass(rules::handler_stop_patience);
  pump_.step();
  EXPECT_EQ(job().error, "timed out after 1s, and its handler did not stop");
  EXPECT_TRUE(pump_.recycle());
  let_it_return();
}

}  // namespace
}  // namespace penstock::testing
