// SPDX-License-Identifier: MIT
#include "store/redis/clock.h"

#include <penstock/testing.h>

#include <gtest/gtest.h>

#include <string>

namespace penstock::redis {
namespace {

using std::chrono::milliseconds;

class RedisClock : public ::testing::Test {
 protected:
  // A server that is ahead of us answers TIME after a round trip.
  void sample(Duration ahead, Duration round_trip = Duration{0}) {
    const SteadyTime sent = local_.steady();
    local_.advance(round_trip / 2);
    const auto us = std::chrono::microseconds((local_.now() + ahead).time_since_epoch()).count();
    local_.advance(round_trip - round_trip / 2);
    const std::string seconds = std::to_string(us / 1'000'000);
    const std::string micros = std::to_string(us % 1'000'000);
    const Reply parts[] = {Reply::of_text(Reply::Kind::text, seconds),
                           Reply::of_text(Reply::Kind::text, micros)};
    clock_.sample(Reply::of_items(parts, 2), sent, local_.steady());
  }

  SimClock local_;
  ServerClock clock_{local_};
};

TEST_F(RedisClock, LocalTimeCountsUntilTheFirstSample) {
  EXPECT_EQ(clock_.now(), local_.now());
  EXPECT_EQ(clock_.offset(), Duration{0});
  EXPECT_TRUE(clock_.due(local_.steady()));
}

TEST_F(RedisClock, TimeIsTheServersAndRunsOnBetweenSamples) {
  sample(Duration{3'600'000}, Duration{8});
  EXPECT_EQ(clock_.offset(), Duration{3'600'000});
  local_.advance(Duration{700});
  EXPECT_EQ(clock_.now(), local_.now() + Duration{3'600'000});
}

TEST_F(RedisClock, StepOfTheLocalCalendarMovesNothing) {
  sample(Duration{0});
  const Time before = clock_.now();
  local_.step_calendar(Duration{-86'400'000});
  EXPECT_EQ(clock_.now(), before);
  EXPECT_EQ(clock_.offset(), Duration{86'400'000});
}

TEST_F(RedisClock, OneWildSampleOfThreeIsOutvoted) {
  sample(Duration{100});
  sample(Duration{102});
  sample(Duration{90'000});
  EXPECT_EQ(clock_.offset(), Duration{102});
  sample(Duration{101});
  EXPECT_EQ(clock_.offset(), Duration{102});
}

TEST_F(RedisClock, ServerWhoseClockWasSetIsFollowedAfterTwoSamples) {
  for (int i = 0; i < 3; ++i) sample(Duration{0});
  sample(Duration{5000});
  EXPECT_EQ(clock_.offset(), Duration{0});
  sample(Duration{5000});
  EXPECT_EQ(clock_.offset(), Duration{5000});
}

TEST_F(RedisClock, SampleIsDueEveryTenSeconds) {
  sample(Duration{0});
  EXPECT_FALSE(clock_.due(local_.steady()));
  local_.advance(Duration{9'999});
  EXPECT_FALSE(clock_.due(local_.steady()));
  local_.advance(Duration{1});
  EXPECT_TRUE(clock_.due(local_.steady()));
}

TEST_F(RedisClock, AnswerThatIsNoTimeIsNoSample) {
  const Reply words[] = {Reply::of_text(Reply::Kind::text, "soon"),
                         Reply::of_text(Reply::Kind::text, "-1")};
  for (const Reply& reply : {Reply(), Reply::of_integer(5), Reply::of_items(words, 2),
                             Reply::of_text(Reply::Kind::error, "NOPERM")}) {
    clock_.sample(reply, local_.steady(), local_.steady());
  }
  EXPECT_TRUE(clock_.due(local_.steady()));
}

}  // namespace
}  // namespace penstock::redis
