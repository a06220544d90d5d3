// SPDX-License-Identifier: MIT
#include "apps/roster/small_format.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "apps/roster/sample_instances.h"

namespace penstock::roster {
namespace {

nlohmann::json sample() { return nlohmann::json::parse(instance_file("weekdays.json")); }

Instance changed(const char* pointer, const nlohmann::json& value) {
  auto document = sample();
  document[nlohmann::json::json_pointer(pointer)] = value;
  return parse_small(document).value();
}

std::string message_for(const char* pointer, const nlohmann::json& value) {
  auto document = sample();
  document[nlohmann::json::json_pointer(pointer)] = value;
  const auto parsed = parse_small(document);
  return parsed ? "accepted" : parsed.error().message;
}

TEST(SmallFormat, DemandBecomesShiftsAndExactCover) {
  const Instance instance = weekdays();
  EXPECT_EQ(instance.days, 5);
  EXPECT_EQ(instance.first_weekday, 0);
  EXPECT_EQ(instance.max_seconds, 5);
  ASSERT_EQ(instance.shifts.size(), 1U);
  EXPECT_EQ(instance.shifts[0].id, "FRONT_DESK/GUARD/D");
  EXPECT_EQ(instance.shifts[0].minutes, 720);
  ASSERT_EQ(instance.covers.size(), 5U);
  EXPECT_TRUE(instance.covers[0].exact);
  EXPECT_EQ(instance.covers[0].required, 1);
  EXPECT_TRUE(instance.notes.empty());
}

TEST(SmallFormat, PatternAndOffsetOpenTheCells) {
  const Instance instance = weekdays();
  std::string first;
  std::string second;
  for (int day = 0; day < 5; ++day) {
    first += instance.cell(0, day, 0) == Cell::open ? 'D' : 'O';
    second += instance.cell(1, day, 0) == Cell::open ? 'D' : 'O';
  }
  EXPECT_EQ(first, "DDODD");
  EXPECT_EQ(second, "DODDO");
}

TEST(SmallFormat, PlanningIsAnotherNameOfTheHorizon) {
  auto document = sample();
  document["planning"] = document["planningHorizon"];
  document.erase("planningHorizon");
  EXPECT_EQ(parse_small(document).value().days, 5);
}

TEST(SmallFormat, OnlyCoveredWeekdaysHaveSlots) {
  const Instance instance =
      changed("/demandItems/0/shifts/0/coverageDays", nlohmann::json::array({"Tue", "Friday"}));
  ASSERT_EQ(instance.covers.size(), 2U);
  EXPECT_EQ(instance.covers[0].day, 1);
  EXPECT_EQ(instance.covers[1].day, 4);
  EXPECT_EQ(instance.cell(0, 0, 0), Cell::not_covered);
}

TEST(SmallFormat, PublicHolidaysMayBeLeftOut) {
  auto document = sample();
  document["publicHolidays"] = {"2025-12-03"};
  EXPECT_EQ(parse_small(document).value().covers.size(), 5U);
  document["demandItems"][0]["shifts"][0]["includePublicHolidays"] = false;
  EXPECT_EQ(parse_small(document).value().covers.size(), 4U);
}

TEST(SmallFormat, AbsencesMayBeDatesAndRanges) {
  const Instance instance = changed("/employees/0/unavailability",
                                    nlohmann::json::parse(R"(["2025-12-01", {"date": "2025-12-02"},
                                {"startDate": "2025-12-04", "endDate": "2026-12-31"}])"));
  for (const int day : {0, 1, 3, 4}) EXPECT_EQ(instance.cell(0, day, 0), Cell::unavailable) << day;
}

TEST(SmallFormat, SchemesMatchByLetterOrByName) {
  EXPECT_EQ(changed("/employees/0/scheme", "SchemeA").cell(0, 0, 0), Cell::open);
  EXPECT_EQ(changed("/employees/0/scheme", "B").cell(0, 0, 0), Cell::wrong_scheme);
}

TEST(SmallFormat, NightShiftMayNotBeFollowedByAnOverlap) {
  auto document = sample();
  auto& details = document["demandItems"][0]["shifts"][0]["shiftDetails"];
  details.push_back({{"shiftCode", "N"}, {"start", "20:00"}, {"end", "08:30"}, {"nextDay", true}});
  const Instance instance = parse_small(document).value();
  ASSERT_EQ(instance.shifts.size(), 2U);
  EXPECT_EQ(instance.shifts[1].forbidden_followers, std::vector<int>{0});
  EXPECT_TRUE(instance.shifts[0].forbidden_followers.empty());
}

TEST(SmallFormat, RestAndRunLimitsAreEnforcedAndOthersAreNoted) {
  const Instance instance = changed("/constraintList", nlohmann::json::parse(R"([
      {"id": "minRest", "enforcement": "hard", "params": {"minutes": 721}},
      {"id": "maxConsecutiveDays", "params": {"days": 3}},
      {"id": "teamCompleteness", "enforcement": "hard"},
      {"id": "fairness", "enforcement": "soft"}])"));
  EXPECT_EQ(instance.shifts[0].forbidden_followers, std::vector<int>{0});
  EXPECT_EQ(instance.employees[0].limits.max_consecutive, 3);
  EXPECT_EQ(instance.notes,
            std::vector<std::string>{"constraint teamCompleteness is not enforced"});
}

TEST(SmallFormat, RestMayBeExactlyAsLongAsAsked) {
  const Instance instance =
      changed("/constraintList",
              nlohmann::json::parse(R"([{"id": "minRest", "params": {"minutes": 720}}])"));
  EXPECT_TRUE(instance.shifts[0].forbidden_followers.empty());
}

TEST(SmallFormat, MistakesNameThePathOfTheirField) {
  EXPECT_EQ(message_for("/planningHorizon/startDate", "1 December"),
            "planningHorizon.startDate: \"1 December\" is not a date; write it like 2025-12-01");
  EXPECT_EQ(message_for("/planningHorizon/endDate", "2025-11-30"),
            "planningHorizon.endDate: \"2025-11-30\" is before startDate; swap them");
  EXPECT_EQ(message_for("/employees/1/employeeId", "EMP_001"),
            "employees[1].employeeId: \"EMP_001\" is there twice; keep one");
  EXPECT_EQ(message_for("/employees/1/rotationOffset", "one"),
            "employees[1].rotationOffset: \"one\" is not a whole number; write 0 to 366");
  EXPECT_EQ(message_for("/demandItems/0/shifts/0/coverageDays/2", "Midweek"),
            "demandItems[0].shifts[0].coverageDays[2]: \"Midweek\" is not a weekday; write Mon, "
            "Tue, Wed and so on");
  EXPECT_EQ(message_for("/demandItems/0/shifts/0/shiftDetails/0/start", "8am"),
            "demandItems[0].shifts[0].shiftDetails[0].start: \"8am\" is not a time; write it like "
            "08:00");
  EXPECT_EQ(message_for("/demandItems/0/requirements/0/workPattern", nlohmann::json::array()),
            "demandItems[0].requirements[0].workPattern: is empty; write shift codes and \"O\" for "
            "rest");
  EXPECT_EQ(message_for("/employees", nlohmann::json::array()),
            "employees: is empty; add an employee");
  EXPECT_EQ(message_for("/demandItems", 5), "demandItems: 5 is not a list; write [...]");
}

TEST(SmallFormat, MissingFieldsAreNamed) {
  auto document = sample();
  document.erase("employees");
  EXPECT_EQ(parse_small(document).error().message, "employees: is missing; add it");
  EXPECT_EQ(parse_small(nlohmann::json::object()).error().message, "planning: is missing; add it");
}

TEST(SmallFormat, ShiftThatEndsBeforeItBeginsIsRefused) {
  EXPECT_EQ(message_for("/demandItems/0/shifts/0/shiftDetails/0/end", "07:00"),
            "demandItems[0].shifts[0].shiftDetails[0].end: the shift lasts -60 minutes; use 1 to "
            "1440, with nextDay true when it ends after midnight");
}

TEST(SmallFormat, FreeRotationOffsetsAreRefused) {
  EXPECT_EQ(message_for("/fixedRotationOffset", false),
            "fixedRotationOffset: free rotation offsets are not supported; set it to true and give "
            "each employee a rotationOffset");
}

TEST(SmallFormat, HorizonHasALimit) {
  auto document = sample();
  document["planningHorizon"]["endDate"] = "2027-12-05";
  const auto parsed = parse_small(document);
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().code, Errc::too_large);
}

}  // namespace
}  // namespace penstock::roster
