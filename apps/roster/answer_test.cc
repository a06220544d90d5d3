// SPDX-License-Identifier: MIT
#include "apps/roster/answer.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "apps/roster/sample_instances.h"

namespace penstock::roster {
namespace {

using nlohmann::json;

Solution with_roster(Status status, std::int64_t cost, Roster roster) {
  Solution solution;
  solution.status = status;
  solution.cost = cost;
  solution.bound = cost;
  solution.roster = std::move(roster);
  return solution;
}

json small_sample(const Roster& roster, Status status = Status::optimal) {
  const RunFacts run{"abc", "RUN", "1.0", "2025-12-01T00:00:00Z", "2025-12-01T00:00:01Z"};
  return json::parse(answer_json(weekdays(), with_roster(status, 0, roster), run).value());
}

const Roster filled{{0, 0, off, 0, 0}, {off, off, 0, off, off}};

TEST(Answer, BenchmarkAnswerListsWhoWorksWhat) {
  const Instance instance = instance1();
  const auto solution =
      with_roster(Status::optimal, 607, roster_of(instance, optimal_rows_of_instance1()));
  const json answer = json::parse(answer_json(instance, solution, {}).value());
  EXPECT_EQ(answer["status"], "OPTIMAL");
  EXPECT_EQ(answer["cost"], 607);
  EXPECT_EQ(answer["bound"], 607);
  EXPECT_TRUE(answer["violations"].empty());
  EXPECT_EQ(answer["assignments"].size(), 65U);
  EXPECT_EQ(answer["assignments"][0], (json{{"employee", "A"}, {"day", 1}, {"shift", "D"}}));
}

TEST(Answer, WithoutARosterTheCostIsNull) {
  const json answer = json::parse(answer_json(instance1(), Solution{}, {}).value());
  EXPECT_EQ(answer["status"], "TIME_LIMIT");
  EXPECT_TRUE(answer["cost"].is_null());
  EXPECT_TRUE(answer["assignments"].empty());
}

TEST(Answer, IdThatIsNotUtf8IsShownWithAReplacement) {
  Instance instance = instance1();
  instance.employees[0].id = "\xff";
  const auto solution =
      with_roster(Status::optimal, 607, roster_of(instance, optimal_rows_of_instance1()));
  const json answer = json::parse(answer_json(instance, solution, {}).value());
  EXPECT_EQ(answer["assignments"][0]["employee"], "\uFFFD");
}

TEST(Answer, ViolationsComeFromTheVerifier) {
  const Instance instance = instance1();
  Roster roster = roster_of(instance, optimal_rows_of_instance1());
  roster[0][0] = 0;
  const auto solution = with_roster(Status::optimal, 607, roster);
  const json answer = json::parse(answer_json(instance, solution, {}).value());
  EXPECT_EQ(answer["violations"][0]["rule"], "cell");
}

TEST(Answer, SmallAnswerHasEveryDocumentedField) {
  const json answer = small_sample(filled);
  EXPECT_EQ(answer["schemaVersion"], "0.70");
  EXPECT_EQ(answer["planningReference"], "WEEKDAYS");
  EXPECT_EQ(answer["status"], "OPTIMAL");
  EXPECT_EQ(answer["cost"], 0);
  EXPECT_EQ(answer["bound"], 0);
  EXPECT_EQ(answer["solverRun"]["runId"], "RUN");
  EXPECT_EQ(answer["solverRun"]["status"], "OPTIMAL");
  EXPECT_EQ(answer["score"], (json{{"overall", 0}, {"hard", 0}, {"soft", 0}}));
  EXPECT_TRUE(answer["scoreBreakdown"]["hard"]["violations"].empty());
  EXPECT_EQ(answer["rosterSummary"]["assigned"], 5);
  EXPECT_EQ(answer["solutionQuality"]["proven"], true);
  EXPECT_TRUE(answer["unmetDemand"].empty());
  EXPECT_EQ(answer["meta"]["generatedAt"], "2025-12-01T00:00:01Z");
  EXPECT_EQ(answer["meta"]["inputHash"],
            "sha256:ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(answer["meta"]["employeeHours"]["EMP_001"]["gross"], 48);
}

TEST(Answer, SmallAnswerDescribesEachAssignment) {
  const json answer = small_sample(filled);
  ASSERT_EQ(answer["assignments"].size(), 5U);
  const json expected = json::parse(R"({
      "assignmentId": "FRONT_DESK-GUARD-D-2025-12-03-1-EMP_002",
      "slotId": "FRONT_DESK-GUARD-D-2025-12-03-1",
      "demandId": "FRONT_DESK", "requirementId": "GUARD", "employeeId": "EMP_002",
      "date": "2025-12-03", "shiftCode": "D",
      "startDateTime": "2025-12-03T08:00:00", "endDateTime": "2025-12-03T20:00:00",
      "status": "ASSIGNED",
      "hours": {"gross": 12.0, "lunch": 1.0, "normal": 8.8, "ot": 2.2, "paid": 11.0}})");
  EXPECT_EQ(answer["assignments"][2], expected);
  EXPECT_EQ(answer["employeeRoster"][1]["days"][0]["status"], "OFF_DAY");
  EXPECT_EQ(answer["employeeRoster"][1]["days"][2]["status"], "ASSIGNED");
}

TEST(Answer, EmptySlotsAreUnassignedAndUnmet) {
  const json answer = small_sample({{0, 0, off, 0, 0}, Row(5, off)}, Status::infeasible);
  EXPECT_EQ(answer["assignments"][2]["status"], "UNASSIGNED");
  EXPECT_TRUE(answer["assignments"][2]["employeeId"].is_null());
  EXPECT_EQ(answer["score"]["hard"], 1);
  EXPECT_EQ(answer["unmetDemand"][0]["date"], "2025-12-03");
  EXPECT_EQ(answer["unmetDemand"][0]["missing"], 1);
  EXPECT_EQ(answer["unmetDemand"][0]["reason"], "needs 1, open to 1, 1 pattern_rests");
}

TEST(Answer, RosterIsReadBackFromBothFormats) {
  const Instance instance = instance1();
  const Roster roster = roster_of(instance, optimal_rows_of_instance1());
  const auto text = answer_json(instance, with_roster(Status::optimal, 607, roster), {}).value();
  EXPECT_EQ(roster_of_answer(instance, text).value(), roster);
  EXPECT_EQ(roster_of_answer(weekdays(), small_sample(filled).dump()).value(), filled);
}

TEST(Answer, AnswerThatDoesNotFitTheInstanceIsRefused) {
  const auto message = [](const char* text) {
    const auto roster = roster_of_answer(instance1(), text);
    return roster ? "accepted" : roster.error().message;
  };
  EXPECT_EQ(message("{}"), "assignments: is missing; add it");
  EXPECT_EQ(message(R"({"assignments": [{"employee": "Z", "day": 0, "shift": "D"}]})"),
            "assignments[0]: 'Z' is not in the instance");
  EXPECT_EQ(message(R"({"assignments": [{"employee": "A", "day": 14, "shift": "D"}]})"),
            "assignments[0].day: 14 is out of range; use 0 to 13");
  EXPECT_EQ(message(R"({"assignments": [{"employee": "A", "day": 1, "shift": "D"},
                                        {"employee": "A", "day": 1, "shift": "D"}]})"),
            "assignments[1]: gives the employee a second shift on the same day");
}

}  // namespace
}  // namespace penstock::roster
