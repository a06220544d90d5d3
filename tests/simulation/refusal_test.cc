// SPDX-License-Identifier: MIT
#include "tests/simulation/world.h"

#include <penstock/log.h>

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

namespace penstock::testing {
namespace {

// Says what a session holds, but refuses to take or end anything: so answers a Redis where somebody
// has overwritten one of the keys that a step writes.
class RefusingStore : public FaultyStore {
 public:
  using FaultyStore::FaultyStore;
  Result<Exchange> finish(const FinishCall& call) override {
    if (!refuses) return FaultyStore::finish(call);
    ++refused;
    return Error{Errc::internal, "another kind of value"};
  }
  bool refuses = true;
  int refused = 0;
};

TEST(Refusal, AStoreThatRefusesEveryExchangeIsAskedLessAndLess) {
  std::vector<std::string> said;
  set_log_level(LogLevel::warning);
  set_log_sink([&](LogLevel, std::string_view line) { said.emplace_back(line); });
  StoreUnderTest store(StoreKind::sqlite_memory);
  std::mt19937_64 dice(1);
  RefusingStore refusing(store.another());
  Tasks tasks;
  tasks.add_raw("work", [](std::string_view, JobContext&) { return std::string("1"); });
  Producer producer(*store);
  const JobId id = producer.add("work");
  Pulse pulse;
  SimSlots slots(1, store.clock(), dice);
  Pump pump(refusing, slots, tasks, pulse, {.profile = {.queues = {"default"}}, .queues = {{}}});
  const auto heart_store = store.another();
  Heart heart(
      *heart_store, pulse, [] {}, [] {});
  const auto live = [&](int seconds) {
    for (int round = 0; round < seconds * 10; ++round) {
      pump.step();
      heart.step();
      slots.work(true);
      store.clock().advance(Duration{100});
    }
  };
  live(60);
  EXPECT_GE(refusing.refused, 20);
  EXPECT_LE(refusing.refused, 40);
  const std::vector<std::string> expected(static_cast<std::size_t>(refusing.refused),
                                          "the store refused: another kind of value");
  EXPECT_EQ(said, expected);
  refusing.refuses = false;
  live(5);
  EXPECT_EQ(find_job(*store, id).state, JobState::succeeded);
  set_log_sink({});
  set_log_level(LogLevel::off);
}

}  // namespace
}  // namespace penstock::testing
