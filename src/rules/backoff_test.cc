// SPDX-License-Identifier: MIT
#include "rules/backoff.h"

#include <gtest/gtest.h>

namespace penstock::rules {
namespace {

using namespace std::chrono_literals;
using Kind = Backoff::Kind;

Backoff plain(Kind kind, Duration first = 1s, Duration cap = 60s) {
  return {.kind = kind, .first = first, .cap = cap, .jitter = 0};
}

TEST(Backoff, DelaysFollowTheirKindUntilTheCap) {
  struct Row {
    Kind kind;
    std::vector<Duration> delays;  // After the first, second, ... failure.
  };
  const Row rows[] = {{Kind::none, {0s, 0s, 0s}},
                      {Kind::fixed, {1s, 1s, 1s}},
                      {Kind::linear, {1s, 2s, 3s, 4s}},
                      {Kind::exponential, {1s, 2s, 4s, 8s, 16s, 32s, 60s, 60s}}};
  for (const Row& row : rows) {
    for (std::size_t i = 0; i < row.delays.size(); ++i) {
      EXPECT_EQ(delay(plain(row.kind), static_cast<int>(i) + 1, 0.5), row.delays[i]);
    }
  }
  EXPECT_EQ(delay(plain(Kind::linear), 1000, 0.5), 60s);
}

TEST(Backoff, ThousandthFailureNeitherOverflowsNorExceedsTheCap) {
  EXPECT_EQ(delay(plain(Kind::exponential), 1'000'000, 0.5), 60s);
}

TEST(Backoff, CapDoesNotBindAFixedDelay) {
  EXPECT_EQ(delay(plain(Kind::fixed, 2min, 1min), 1, 0.5), 2min);
}

TEST(Backoff, JitterMovesADelayByAtMostItsShare) {
  Backoff jittered = plain(Kind::fixed, 10s);
  jittered.jitter = 0.2;
  EXPECT_EQ(delay(jittered, 1, 0.0), 8s);
  EXPECT_EQ(delay(jittered, 1, 0.5), 10s);
  EXPECT_EQ(delay(jittered, 1, 0.75), 11s);
  EXPECT_LE(delay(jittered, 1, 0.999999), 12s);
}

TEST(Backoff, ReadsWhatItWrites) {
  for (const char* text :
       {"none", "fixed:5s~0%", "linear:1s..1m~10%", "exponential:250ms..1h~20%"}) {
    const auto parsed = parse_backoff(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(format_backoff(*parsed), text);
  }
}

TEST(Backoff, FillsInWhatIsNotSaid) {
  EXPECT_EQ(*parse_backoff("exponential"), Backoff{});
  EXPECT_EQ(parse_backoff("linear:2m")->cap, 2min);
  EXPECT_EQ(parse_backoff("fixed:5s~50%")->jitter, 0.5);
}

TEST(Backoff, RefusesWhatItDoesNotUnderstandAndNamesIt) {
  for (const char* text : {"", "sometimes", "none:1s", "fixed:", "fixed:5", "fixed:1s..2s",
                           "linear:5s..1s", "linear:1s..", "exponential:1s..60s~", "fixed:1s~20",
                           "fixed:1s~101%", "fixed:1s~-1%", "fixed:1s~x%", "fixed:-1s"}) {
    const auto refused = parse_backoff(text);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code, Errc::invalid);
    EXPECT_NE(refused.error().message.find('"' + std::string(text) + '"'), std::string::npos);
  }
}

}  // namespace
}  // namespace penstock::rules
