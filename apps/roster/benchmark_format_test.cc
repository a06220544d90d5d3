// SPDX-License-Identifier: MIT
#include "apps/roster/benchmark_format.h"

#include <gtest/gtest.h>

#include "apps/roster/sample_instances.h"

namespace penstock::roster {
namespace {

constexpr std::string_view good =
    "SECTION_HORIZON\n"             // 1
    "7\n"                           // 2
    "SECTION_SHIFTS\n"              // 3
    "E,480,\n"                      // 4
    "L,420,E\n"                     // 5
    "SECTION_STAFF\n"               // 6
    "A,E=3|L=2,2400,960,5,2,2,1\n"  // 7
    "B,,2400,0,5,2,2,1\n"           // 8
    "SECTION_DAYS_OFF\n"            // 9
    "A,0,6\n"                       // 10
    "SECTION_SHIFT_ON_REQUESTS\n"   // 11
    "A,1,E,3\n"                     // 12
    "SECTION_SHIFT_OFF_REQUESTS\n"  // 13
    "B,2,L,1\n"                     // 14
    "SECTION_COVER\n"               // 15
    "0,E,1,100,1\n"                 // 16
    "0,L,2,90,2\n";                 // 17

std::string message_for(std::string_view from, std::string_view to) {
  const auto parsed = parse_benchmark(replaced(std::string(good), from, to));
  return parsed ? "accepted" : parsed.error().message;
}

TEST(BenchmarkFormat, EverySectionReachesTheInstance) {
  const Instance instance = parse_benchmark(good).value();
  EXPECT_EQ(instance.days, 7);
  ASSERT_EQ(instance.shifts.size(), 2U);
  EXPECT_EQ(instance.shifts[1].minutes, 420);
  EXPECT_EQ(instance.shifts[1].forbidden_followers, std::vector<int>{0});
  const Limits expected{{3, 2}, 2400, 960, 5, 2, 2, 1};
  EXPECT_EQ(instance.employees[0].limits, expected);
  EXPECT_EQ(instance.employees[1].limits.max_shifts, (std::vector<int>{unlimited, unlimited}));
  EXPECT_EQ(instance.cell(0, 6, 1), Cell::day_off);
  EXPECT_EQ(instance.cell(0, 5, 1), Cell::open);
  ASSERT_EQ(instance.requests.size(), 2U);
  EXPECT_EQ(instance.requests[0].wish, Wish::work);
  EXPECT_EQ(instance.requests[1].wish, Wish::rest);
  EXPECT_EQ(instance.covers[1].under, 90);
  EXPECT_EQ(instance.covers[1].over, 2);
}

TEST(BenchmarkFormat, CarriageReturnsBlanksAndCommentsChangeNothing) {
  std::string windows = "\xEF\xBB\xBF# made elsewhere\r\n\r\n";
  for (const char c : good) windows += c == '\n' ? "  # note\r\n" : std::string(1, c);
  const auto parsed = parse_benchmark(windows);
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->covers.size(), 2U);
}

TEST(BenchmarkFormat, SectionsMayComeInAnyOrder) {
  const std::string cover = "SECTION_COVER\n0,E,1,100,1\n";
  const std::string rest =
      replaced(std::string(good), "SECTION_COVER\n0,E,1,100,1\n0,L,2,90,2\n", "");
  const auto parsed = parse_benchmark(cover + rest);
  ASSERT_TRUE(parsed) << parsed.error().message;
  EXPECT_EQ(parsed->covers.size(), 1U);
}

TEST(BenchmarkFormat, RequestsAndDaysOffMayBeAbsent) {
  const auto parsed = parse_benchmark(
      "SECTION_HORIZON\n1\nSECTION_SHIFTS\nD,480,\nSECTION_STAFF\nA,D=1,480,0,1,1,1,1\n"
      "SECTION_COVER\n0,D,1,1,1\n");
  EXPECT_TRUE(parsed);
}

TEST(BenchmarkFormat, UnknownSectionIsNamedWithItsLine) {
  EXPECT_EQ(message_for("SECTION_DAYS_OFF", "SECTION_HOLIDAYS"),
            "line 9: unknown section 'SECTION_HOLIDAYS'; the sections are SECTION_HORIZON, "
            "_SHIFTS, _STAFF, _DAYS_OFF, _SHIFT_ON_REQUESTS, _SHIFT_OFF_REQUESTS and _COVER");
}

TEST(BenchmarkFormat, MissingSectionIsNamed) {
  EXPECT_EQ(message_for("SECTION_COVER\n0,E,1,100,1\n0,L,2,90,2\n", ""),
            "SECTION_COVER is missing or empty; add it with at least one line");
}

TEST(BenchmarkFormat, SectionTwiceIsRefused) {
  EXPECT_EQ(message_for("SECTION_DAYS_OFF", "SECTION_SHIFTS"),
            "line 9: SECTION_SHIFTS is there twice; keep one");
}

TEST(BenchmarkFormat, TextBeforeTheFirstSectionIsRefused) {
  EXPECT_EQ(message_for("SECTION_HORIZON", "hello\nSECTION_HORIZON"),
            "line 1: 'hello' is before the first section; start with SECTION_HORIZON");
}

TEST(BenchmarkFormat, UnknownEmployeeIsNamed) {
  EXPECT_EQ(message_for("A,0,6", "Z,0,6"),
            "line 10: employee 'Z' is unknown; use an ID of SECTION_STAFF");
}

TEST(BenchmarkFormat, UnknownShiftIsNamed) {
  EXPECT_EQ(message_for("L,420,E", "L,420,N"),
            "line 5: shift 'N' is unknown; use an ID of SECTION_SHIFTS");
}

TEST(BenchmarkFormat, NumberInPlaceOfAnIdIsCalledThat) {
  EXPECT_EQ(message_for("A,1,E,3", "A,1,8,3"),
            "line 12: '8' is a number where the ID of a shift belongs; use an ID of "
            "SECTION_SHIFTS");
}

TEST(BenchmarkFormat, TextInPlaceOfANumberIsCalledThat) {
  EXPECT_EQ(message_for("A,1,E,3", "A,E,E,3"),
            "line 12: 'E' is text where a day belongs; write a whole number from 0 to 6");
  EXPECT_EQ(message_for("E,480,", "E,8h,"),
            "line 4: '8h' is text where the minutes of a shift belongs; write a whole number from "
            "0 to 1440");
}

TEST(BenchmarkFormat, DayOutsideTheHorizonIsRefused) {
  EXPECT_EQ(message_for("0,L,2,90,2", "7,L,2,90,2"),
            "line 17: day '7' is outside the horizon; use 0 to 6");
  EXPECT_EQ(message_for("A,0,6", "A,-1"), "line 10: day '-1' is outside the horizon; use 0 to 6");
}

TEST(BenchmarkFormat, DuplicatesAreRefused) {
  EXPECT_EQ(message_for("L,420,E", "E,420,"), "line 5: shift 'E' is there twice; keep one");
  EXPECT_EQ(message_for("B,,2400", "A,,2400"), "line 8: employee 'A' is there twice; keep one");
  EXPECT_EQ(message_for("0,L,2,90,2", "0,E,2,90,2"),
            "line 17: the cover of shift 'E' on day '0' is there twice; keep one");
  EXPECT_EQ(message_for("A,1,E,3\n", "A,1,E,3\nA,1,E,2\n"),
            "line 13: the same request of 'A' on day '1' is there twice; keep one");
}

TEST(BenchmarkFormat, WrongNumberOfFieldsShowsTheRightShape) {
  EXPECT_EQ(message_for("0,E,1,100,1", "0,E,1,100"),
            "line 16: has 4 fields where 5 belong; write day,shift,required,under weight,over "
            "weight");
}

TEST(BenchmarkFormat, MinimumAboveMaximumIsRefused) {
  EXPECT_EQ(message_for("2400,960", "900,960"),
            "line 7: MinTotalMinutes '960' is above MaxTotalMinutes '900'; swap or correct them");
}

TEST(BenchmarkFormat, HorizonHasALimit) {
  EXPECT_EQ(message_for("7\n", "367\n"),
            "line 2: the number of days '367' is out of range; use 0 to 366");
  EXPECT_EQ(message_for("7\n", "0\n"), "line 2: the horizon is '0' days; use at least 1");
  EXPECT_EQ(message_for("7\n", "99999999999999999999\n"),
            "line 2: '99999999999999999999' is text where the number of days belongs; write a "
            "whole number from 0 to 366");
}

TEST(BenchmarkFormat, HugeTextIsTooLarge) {
  const auto parsed = parse_benchmark(std::string(max_input_bytes + 1, '#'));
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code, Errc::too_large);
}

TEST(BenchmarkFormat, ControlCharactersNeverReachAMessage) {
  EXPECT_EQ(message_for("A,0,6", "\x1b[31m,0"),
            "line 10: employee '?[31m' is unknown; use an ID of SECTION_STAFF");
}

}  // namespace
}  // namespace penstock::roster
