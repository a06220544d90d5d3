// SPDX-License-Identifier: MIT
#include "rules/tally.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::rules {
namespace {

TEST(Tally, EachEndIsCountedForItsQueueAndTask) {
  Tally tally;
  tally.count("q", "a", {.key = {}, .move = Move::succeed}, Duration{3}, Duration{40});
  tally.count("q", "a", {.key = {}, .move = Move::retry}, std::nullopt, Duration{700'000});
  tally.count("q", "b", {.key = {}, .move = Move::fail}, Duration{0}, Duration{1});
  const TaskTally& a = tally.tasks().at({"q", "a"});
  EXPECT_EQ(a.succeeded, 1);
  EXPECT_EQ(a.retried, 1);
  EXPECT_EQ(a.wait.counts[1], 1);  // 3 ms: above 1, up to 5.
  EXPECT_EQ(a.run.counts[3], 1);   // 40 ms: above 25, up to 100.
  EXPECT_EQ(a.run.counts.back(), 1);
  EXPECT_EQ(a.run.sum_ms, 700'040);
  EXPECT_EQ(tally.tasks().at({"q", "b"}).failed, 1);
  EXPECT_EQ(tally.tasks().at({"q", "b"}).wait.counts[0], 1);
}

TEST(Tally, WhatIsGivenBackUnstartedIsNotCounted) {
  Tally tally;
  tally.count("q", "a", {.key = {}, .move = Move::give_back}, std::nullopt, std::nullopt);
  EXPECT_TRUE(tally.tasks().empty());
  EXPECT_EQ(tally.json(1000), "");
}

TEST(Tally, ItsTextLeavesOutHistogramsRatherThanTasks) {
  Tally tally;
  tally.count("q", "a", {.key = {}, .move = Move::succeed}, Duration{3}, Duration{40});
  EXPECT_THAT(tally.json(1000), ::testing::HasSubstr(R"("run":{"sum_ms":40,"counts":[0,0,0,1,)"));
  EXPECT_EQ(tally.json(100),
            R"([{"queue":"q","task":"a","succeeded":1,"failed":0,"cancelled":0,"retried":0}])");
  EXPECT_EQ(tally.json(10), "");
}

}  // namespace
}  // namespace penstock::rules
