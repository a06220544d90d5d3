// SPDX-License-Identifier: MIT
#include "worker/heart.h"

#include "store/open.h"
#include "store/store.h"

#include <gtest/gtest.h>

namespace penstock {
namespace {

TEST(Heart, WakesThePumpWhenAnOrderEndsAsWhenItComes) {
  const auto store = open_store("sqlite::memory:?prefix=heart").value();
  Pulse pulse;
  pulse.set_own({.session = store->open({.worker = "w", .queues = {"default"}}).value()});
  const SessionNumber session = pulse.own().session.number;
  int told = 0;
  Heart heart(
      *store, pulse, [&] { ++told; }, [] {});
  std::uint64_t call = 0;
  const auto order = [&](Order wanted) {
    ASSERT_TRUE(store->configure(SessionSetting{session, wanted}, {"test", Call{++call}}));
  };
  heart.step();
  EXPECT_EQ(told, 0);
  order(Order::quiet);
  heart.step();
  EXPECT_EQ(told, 1);
  order(Order::run);
  heart.step();
  EXPECT_EQ(told, 2);
  EXPECT_EQ(pulse.heard().order, Order::run);
  heart.step();
  EXPECT_EQ(told, 2);
}

}  // namespace
}  // namespace penstock
