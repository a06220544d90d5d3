// SPDX-License-Identifier: MIT
#include "rules/duration.h"

#include <gtest/gtest.h>

namespace penstock::rules {
namespace {

using namespace std::chrono_literals;

TEST(DurationText, ReadsUnitsAndTheirSums) {
  const std::pair<const char*, Duration> rows[] = {
      {"0ms", 0ms},        {"250ms", 250ms}, {"30s", 30s},
      {"5m", 5min},        {"1h30m", 90min}, {"7d", 24h * 7},
      {"1m1ms", 60'001ms}, {"90m", 90min},   {"10000d", 24h * 10'000},
      {"1s1s", 2s}};
  for (const auto& [text, duration] : rows) {
    const auto parsed = parse_duration(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(*parsed, duration) << text;
  }
}

TEST(DurationText, WritesTheShortestThatReadsBack) {
  const std::pair<Duration, const char*> rows[] = {
      {0ms, "0ms"}, {1ms, "1ms"},           {1000ms, "1s"}, {90min, "1h30m"},
      {24h, "1d"},  {25h + 1ms, "1d1h1ms"}, {-5s, "-5s"}};
  for (const auto& [duration, text] : rows) EXPECT_EQ(format_duration(duration), text);
  for (std::int64_t ms = 1; ms < 1'000'000'000'000 / 13; ms = ms * 13 + 7) {
    if (Duration{ms} > Duration{24h * 10'000}) break;
    EXPECT_EQ(*parse_duration(format_duration(Duration{ms})), Duration{ms});
  }
}

TEST(DurationText, RefusesNumbersWithoutUnitNegativesAndNonsense) {
  for (const char* text : {"", "5", "-5s", "5 s", "s", "1.5h", "5x", "1h5", "10001d", " 5s",
                           "99999999999999999999s", "9223372036854775807d", "+5s"}) {
    const auto refused = parse_duration(text);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code, Errc::invalid);
    EXPECT_NE(refused.error().message.find(text), std::string::npos);
  }
}

TEST(TimeText, ReadsZonesAndFractions) {
  const Time expected = std::chrono::sys_days{std::chrono::year{2026} / 1 / 31} + 8h + 250ms;
  for (const char* text : {"2026-01-31T08:00:00.250Z", "2026-01-31T08:00:00.25z",
                           "2026-01-31t09:30:00.250+01:30", "2026-01-31T03:00:00.2509-05:00"}) {
    const auto parsed = parse_time(text);
    ASSERT_TRUE(parsed) << text;
    EXPECT_EQ(*parsed, expected) << text;
    EXPECT_EQ(format_time(*parsed), "2026-01-31T08:00:00.250Z");
  }
}

TEST(TimeText, RefusesWhatIsNoPointInTime) {
  for (const char* text :
       {"", "2026-01-31", "2026-01-31T08:00:00", "2026-02-30T08:00:00Z", "2026-13-01T08:00:00Z",
        "2026-01-31T24:00:00Z", "2026-01-31T08:60:00Z", "2026-01-31T08:00:61Z",
        "2026-01-31T08:00:00.Z", "2026-01-31T08:00:00+1:00", "2026-01-31 08:00:00Z",
        "1969-12-31T23:59:59Z", "2026-01-31T08:00:00+24:00", "tomorrow at noon, please"}) {
    const auto refused = parse_time(text);
    ASSERT_FALSE(refused) << text;
    EXPECT_EQ(refused.error().code, Errc::invalid);
  }
}

TEST(TimeText, LeapDaysAreDays) {
  EXPECT_EQ(format_time(*parse_time("2028-02-29T00:00:00Z")), "2028-02-29T00:00:00.000Z");
  EXPECT_FALSE(parse_time("2027-02-29T00:00:00Z"));
}

TEST(TimeText, MillisecondsRoundTrip) {
  EXPECT_EQ(from_ms(to_ms(Time{1'750'000'000'123ms})), Time{1'750'000'000'123ms});
}

}  // namespace
}  // namespace penstock::rules
