// SPDX-License-Identifier: MIT
#include "rules/limits.h"
#include "tests/simulation/world.h"

#include <penstock/log.h>

#include <gtest/gtest.h>

namespace penstock::testing {
namespace {

// Notes how many bytes of results each call carries.
class WeighingStore : public FaultyStore {
 public:
  using FaultyStore::FaultyStore;
  Result<Exchange> finish(const FinishCall& call) override {
    std::size_t bytes = 0;
    for (const rules::Transition& next : call.transitions) bytes += next.result.size();
    if (bytes > 0) weights.push_back(bytes);
    return FaultyStore::finish(call);
  }
  std::vector<std::size_t> weights;
};

TEST(ExchangeOfAPump, LargeResultsTravelInSeveralCalls) {
  set_log_level(LogLevel::off);
  StoreUnderTest store(StoreKind::sqlite_memory);
  std::mt19937_64 dice(1);
  WeighingStore weighing(store.another());
  Tasks tasks;
  const std::string result = '"' + std::string(400'000, 'x') + '"';
  tasks.add_raw("work", [&](std::string_view, JobContext&) { return result; });
  Producer producer(*store);
  for (int i = 0; i < 5; ++i) producer.add("work");
  Pulse pulse;
  SimSlots slots(5, store.clock(), dice);
  Pump pump(weighing, slots, tasks, pulse, {.profile = {.queues = {"default"}}, .queues = {{}}});
  pump.step();
  for (int round = 0; round < 100; ++round) slots.work(true);
  for (int round = 0; round < 100 && !pump.holds_nothing(); ++round) pump.step();
  EXPECT_TRUE(pump.holds_nothing());
  const std::size_t one = result.size();
  EXPECT_EQ(weighing.weights, (std::vector<std::size_t>{2 * one, 2 * one, one}));
}

}  // namespace
}  // namespace penstock::testing
