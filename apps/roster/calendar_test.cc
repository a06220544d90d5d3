// SPDX-License-Identifier: MIT
#include "apps/roster/calendar.h"

#include <gtest/gtest.h>

namespace penstock::roster {
namespace {

TEST(Calendar, DatesAreDaysSinceTheEpoch) {
  EXPECT_EQ(parse_date("1970-01-01"), 0);
  EXPECT_EQ(parse_date("2025-12-01"), 20423);
  EXPECT_EQ(format_date(20423), "2025-12-01");
  EXPECT_EQ(format_date(*parse_date("2024-02-29")), "2024-02-29");
}

TEST(Calendar, DatesThatDoNotExistAreRefused) {
  for (const char* text :
       {"2025-02-29", "2025-13-01", "2025-12-32", "2025-00-10", "1969-12-31", "25-12-01",
        "2025/12/01", "2025-12-1", "2025-12-01 ", "", "abcd-ef-gh"}) {
    EXPECT_FALSE(parse_date(text)) << text;
  }
}

TEST(Calendar, WeekdaysCountFromMonday) {
  EXPECT_EQ(weekday_of(*parse_date("2025-12-01")), 0);
  EXPECT_EQ(weekday_of(*parse_date("2025-12-07")), 6);
  EXPECT_EQ(weekday_of(0), 3);
}

TEST(Calendar, WeekdayNamesMayBeShortOrLongInAnyCase) {
  EXPECT_EQ(parse_weekday("Mon"), 0);
  EXPECT_EQ(parse_weekday("SUNDAY"), 6);
  EXPECT_FALSE(parse_weekday("Mo"));
  EXPECT_FALSE(parse_weekday("Someday"));
}

TEST(Calendar, TimesOfDayEndAtMidnight) {
  EXPECT_EQ(parse_time_of_day("08:30"), 510);
  EXPECT_EQ(parse_time_of_day("24:00"), 1440);
  for (const char* text : {"24:01", "8:30", "08:60", "0830", "08:3x", ""}) {
    EXPECT_FALSE(parse_time_of_day(text)) << text;
  }
}

}  // namespace
}  // namespace penstock::roster
