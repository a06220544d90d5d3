// SPDX-License-Identifier: MIT
#include "apps/roster/patterns.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "apps/roster/sample_instances.h"
#include "apps/roster/verify.h"

namespace penstock::roster {
namespace {

/// Rows over {off, E, L} that the verifier accepts, found by trying all of them.
std::vector<Row> accepted_rows(const Instance& instance) {
  std::vector<Row> accepted;
  Row row(static_cast<std::size_t>(instance.days), off);
  for (;;) {
    if (verify(instance, {row}).feasible()) accepted.push_back(row);
    std::size_t day = row.size();
    while (day > 0 && row[day - 1] == instance.shift_count() - 1) row[--day] = off;
    if (day == 0) return accepted;
    ++row[day - 1];
  }
}

void expect_same_as_verifier(const Instance& instance) {
  auto patterns = enumerate_patterns(instance, 0).value();
  std::ranges::sort(patterns);
  EXPECT_EQ(patterns, accepted_rows(instance));
}

TEST(Patterns, Instance1HasTheKnownNumberForEachEmployee) {
  const Instance instance = instance1();
  const auto patterns = Patterns::make(instance).value();
  const std::vector<std::uint64_t> expected{94, 166, 72, 52, 62, 166, 62, 111};
  for (int employee = 0; employee < 8; ++employee) {
    const auto index = static_cast<std::size_t>(employee);
    EXPECT_EQ(patterns.count(employee), expected[index]) << instance.employees[index].id;
    EXPECT_EQ(enumerate_patterns(instance, employee).value().size(), expected[index]);
  }
}

TEST(Patterns, EqualLimitsShareOneGraph) {
  const Instance instance = instance1();
  const auto patterns = Patterns::make(instance).value();
  EXPECT_EQ(&patterns.graph(0), &patterns.graph(7));
}

TEST(Patterns, WithoutLimitsMatchTheVerifier) { expect_same_as_verifier(one_person_week()); }

TEST(Patterns, MinutesMatchTheVerifier) {
  Instance instance = one_person_week();
  instance.shifts[1].minutes = 360;
  instance.employees[0].limits.min_minutes = 1200;
  expect_same_as_verifier(instance);
  instance.employees[0].limits.max_minutes = 1800;
  expect_same_as_verifier(instance);
}

TEST(Patterns, MaximumOfEachShiftMatchesTheVerifier) {
  Instance instance = one_person_week();
  instance.employees[0].limits.max_shifts = {2, 1};
  expect_same_as_verifier(instance);
}

TEST(Patterns, RunsOfWorkMatchTheVerifier) {
  Instance instance = one_person_week();
  for (int least = 1; least <= 4; ++least) {
    instance.employees[0].limits.min_consecutive = least;
    instance.employees[0].limits.max_consecutive = unlimited;
    expect_same_as_verifier(instance);
    instance.employees[0].limits.max_consecutive = 3;
    expect_same_as_verifier(instance);
  }
}

TEST(Patterns, RunsOfDaysOffMatchTheVerifier) {
  Instance instance = one_person_week();
  for (int least = 0; least <= 5; ++least) {
    instance.employees[0].limits.min_days_off = least;
    expect_same_as_verifier(instance);
  }
}

TEST(Patterns, WeekendsMatchTheVerifierFromEveryFirstWeekday) {
  Instance instance = one_person_week();
  for (int weekday = 0; weekday < 7; ++weekday) {
    instance.first_weekday = weekday;
    for (int most = 0; most <= 2; ++most) {
      instance.employees[0].limits.max_weekends = most;
      expect_same_as_verifier(instance);
    }
  }
}

TEST(Patterns, AllLimitsTogetherMatchTheVerifier) {
  Instance instance = one_person_week();
  instance.days = 9;
  instance.shifts[0].minutes = 300;
  instance.employees[0].limits = {{4, 2}, 2400, 900, 3, 2, 2, 1};
  instance.open_cells();
  instance.cells[instance.cell_index(0, 4, 1)] = Cell::day_off;
  expect_same_as_verifier(instance);
}

TEST(Patterns, NoWorkAtAllIsAPatternWhenNothingIsAsked) {
  Instance instance = one_person_week();
  instance.employees[0].limits.max_consecutive = 0;
  EXPECT_EQ(enumerate_patterns(instance, 0).value(), std::vector<Row>{Row(7, off)});
}

TEST(Patterns, MoreThanTheCapIsTooLarge) {
  const auto patterns = enumerate_patterns(one_person_week(), 0, 100);
  ASSERT_FALSE(patterns);
  EXPECT_EQ(patterns.error().code, Errc::too_large);
  EXPECT_EQ(patterns.error().message,
            "employee A has more than 100 patterns; price them instead of listing them");
}

TEST(Patterns, EmployeeWithoutAnyIsExplained) {
  Instance instance = one_person_week();
  instance.employees[0].limits.min_minutes = 6 * 480;
  instance.employees[0].limits.max_consecutive = 2;
  const auto patterns = Patterns::make(instance).value();
  EXPECT_EQ(patterns.count(0), 0U);
  EXPECT_EQ(patterns.explain_none(0),
            "employee A has no row that keeps every rule; it would have one without the minimum "
            "of minutes or the maximum of consecutive shifts");
}

}  // namespace
}  // namespace penstock::roster
