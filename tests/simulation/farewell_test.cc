// SPDX-License-Identifier: MIT
#include "tests/simulation/world.h"

#include <penstock/log.h>

#include <gtest/gtest.h>

namespace penstock::testing {
namespace {

TEST(Farewell, AWorkerWhoseStoreAnswersNothingLeavesWhenItIsToldToGiveBack) {
  set_log_level(LogLevel::off);
  StoreUnderTest store(StoreKind::sqlite_memory);
  std::mt19937_64 dice(1);
  FaultyStore dead(store.another());
  Tasks tasks;
  tasks.add_raw("work", [](std::string_view, JobContext&) { return std::string("1"); });
  Producer(*store).add("work");
  Pulse pulse;
  SimSlots slots(1, store.clock(), dice);
  Pump pump(dead, slots, tasks, pulse, {.profile = {.queues = {"default"}}, .queues = {{}}});
  pump.step();
  dead.lose_by([](std::int64_t) { return Fault::Kind::request_lost; });
  pump.request(Pump::Mode::give_back);
  bool finished = false;
  for (int round = 0; round < 100 && !finished; ++round) {
    slots.work(true);
    finished = pump.step().finished;
    store.clock().advance(Duration{100});
  }
  EXPECT_TRUE(finished);
}

}  // namespace
}  // namespace penstock::testing
