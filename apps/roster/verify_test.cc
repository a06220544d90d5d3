// SPDX-License-Identifier: MIT
#include "apps/roster/verify.h"

#include <gtest/gtest.h>

#include "apps/roster/sample_instances.h"

namespace penstock::roster {
namespace {

/// The names of the rules that A's row breaks, each with its text.
std::string broken(const Instance& instance, const std::string& row) {
  std::string text;
  for (const Violation& violation : verify(instance, roster_of(instance, {row})).violations) {
    text +=
        (text.empty() ? "" : "; ") + std::string(to_string(violation.rule)) + ": " + violation.text;
  }
  return text;
}

TEST(Verify, KnownOptimumOfInstance1KeepsEveryRuleAndCosts607) {
  const Instance instance = instance1();
  const Verdict verdict = verify(instance, roster_of(instance, optimal_rows_of_instance1()));
  EXPECT_TRUE(verdict.feasible());
  EXPECT_EQ(verdict.cost, 607);
}

TEST(Verify, WorkOnADayOffBreaksTheCell) {
  Instance instance = one_person_week();
  instance.cells[instance.cell_index(0, 2, 0)] = Cell::day_off;
  EXPECT_EQ(broken(instance, "E.E...."), "cell: employee A may not work E on day 2");
  EXPECT_EQ(broken(instance, "E.L...."), "");
}

TEST(Verify, ForbiddenFollowerBreaksTheSuccession) {
  const Instance instance = one_person_week();
  EXPECT_EQ(broken(instance, "EL.E..."), "");
  EXPECT_EQ(broken(instance, ".LE...."), "succession: employee A works E on day 2 right after L");
}

TEST(Verify, MaximumOfAShiftIsInclusive) {
  Instance instance = one_person_week();
  instance.employees[0].limits.max_shifts = {2, unlimited};
  EXPECT_EQ(broken(instance, "EELL..."), "");
  EXPECT_EQ(broken(instance, "EEE...."), "max_shifts: employee A has 3 shifts E, the most is 2");
}

TEST(Verify, MaximumOfMinutesIsInclusive) {
  Instance instance = one_person_week();
  instance.employees[0].limits.max_minutes = 960;
  EXPECT_EQ(broken(instance, "EL....."), "");
  EXPECT_EQ(broken(instance, "ELL...."),
            "max_minutes: employee A has 1440 minutes, the most is 960");
}

TEST(Verify, MinimumOfMinutesIsInclusive) {
  Instance instance = one_person_week();
  instance.employees[0].limits.min_minutes = 960;
  EXPECT_EQ(broken(instance, "EL....."), "");
  EXPECT_EQ(broken(instance, "E......"),
            "min_minutes: employee A has 480 minutes, the least is 960");
}

TEST(Verify, MaximumOfConsecutiveShiftsIsInclusiveAtTheBorderToo) {
  Instance instance = one_person_week();
  instance.employees[0].limits.max_consecutive = 3;
  EXPECT_EQ(broken(instance, "EEE.EEE"), "");
  EXPECT_EQ(broken(instance, "EEEE..."),
            "max_consecutive: employee A has 4 shifts in a row from day 0, the most is 3");
}

TEST(Verify, ShortRunOfWorkIsOnlyAllowedAtTheBorder) {
  Instance instance = one_person_week();
  instance.employees[0].limits.min_consecutive = 2;
  EXPECT_EQ(broken(instance, "E.EE..E"), "");
  EXPECT_EQ(broken(instance, ".E....."),
            "min_consecutive: employee A has 1 shifts in a row from day 1, the least is 2");
}

TEST(Verify, ShortRunOfDaysOffIsOnlyAllowedAtTheBorder) {
  Instance instance = one_person_week();
  instance.employees[0].limits.min_days_off = 2;
  EXPECT_EQ(broken(instance, ".EE..E."), "");
  EXPECT_EQ(broken(instance, "EE.EEEE"),
            "min_days_off: employee A has 1 days off in a row from day 2, the least is 2");
}

TEST(Verify, WeekendCountsOnceForOneOrBothOfItsDays) {
  Instance instance = one_person_week();
  instance.days = 14;
  instance.open_cells();
  instance.employees[0].limits.max_weekends = 1;
  EXPECT_EQ(broken(instance, ".....EE......."), "");
  EXPECT_EQ(broken(instance, "......E......."), "");
  EXPECT_EQ(broken(instance, ".....E.......E"),
            "max_weekends: employee A has 2 weekends, the most is 1");
}

TEST(Verify, SundayOfDayZeroIsAWeekendOfItsOwn) {
  Instance instance = one_person_week();
  instance.first_weekday = 6;
  instance.employees[0].limits.max_weekends = 1;
  EXPECT_EQ(broken(instance, "E.....E"), "max_weekends: employee A has 2 weekends, the most is 1");
}

TEST(Verify, ExactCoverForbidsShortageAndSurplus) {
  Instance instance = one_person_week();
  instance.covers = {{0, 0, 1, 1, 0, true}, {1, 0, 0, 1, 0, true}};
  EXPECT_EQ(broken(instance, "E......"), "");
  EXPECT_EQ(broken(instance, "......."), "shortage: shift E on day 0 has 0 of 1 people");
  EXPECT_EQ(broken(instance, "EE....."), "surplus: shift E on day 1 has 1 of 0 people");
}

TEST(Verify, WrongShapeIsReportedBeforeAnythingElse) {
  const Instance instance = one_person_week();
  EXPECT_EQ(verify(instance, {}).violations[0].text, "the roster has 0 rows for 1 employees");
  EXPECT_EQ(verify(instance, {Row(6, off)}).violations[0].text,
            "employee A has 6 days, the horizon has 7");
  EXPECT_EQ(verify(instance, {Row(7, 2)}).violations[0].text, "employee A has the unknown shift 2");
}

TEST(Verify, CostIsRequestsPlusCover) {
  Instance instance = one_person_week();
  instance.requests = {{0, 0, 0, 2, Wish::work},
                       {0, 1, 0, 3, Wish::work},
                       {0, 0, 0, 5, Wish::rest},
                       {0, 1, 0, 7, Wish::rest}};
  instance.covers = {{0, 0, 3, 100, 1}, {2, 1, 0, 100, 11}};
  EXPECT_EQ(verify(instance, roster_of(instance, {"E.L...."})).cost, 3 + 5 + 200 + 11);
}

}  // namespace
}  // namespace penstock::roster
