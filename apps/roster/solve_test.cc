// SPDX-License-Identifier: MIT
#include "apps/roster/solve.h"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

#include "apps/roster/generate.h"
#include "apps/roster/patterns.h"
#include "apps/roster/sample_instances.h"
#include "apps/roster/verify.h"

namespace penstock::roster {
namespace {

Instance ward(const Ward& ward) { return read_instance(generate_benchmark(ward)).value(); }

void expect_proven(const Instance& instance, const Solution& solution) {
  EXPECT_EQ(solution.status, Status::optimal) << solution.reason;
  EXPECT_EQ(solution.bound, solution.cost);
  EXPECT_EQ(solution.reason, "");
  const Verdict verdict = verify(instance, solution.roster);
  EXPECT_TRUE(verdict.feasible());
  EXPECT_EQ(verdict.cost, solution.cost);
}

/// The least cost of all rosters, by trying every combination of verified rows.
std::int64_t least_cost(const Instance& instance) {
  std::vector<std::vector<Row>> rows;
  for (int e = 0; e < instance.employee_count(); ++e) {
    rows.push_back(enumerate_patterns(instance, e).value());
  }
  std::vector<std::size_t> choice(rows.size(), 0);
  std::int64_t least = std::numeric_limits<std::int64_t>::max();
  for (;;) {
    Roster roster;
    for (std::size_t e = 0; e < rows.size(); ++e) roster.push_back(rows[e][choice[e]]);
    least = std::min(least, verify(instance, roster).cost);
    std::size_t e = 0;
    while (e < rows.size() && ++choice[e] == rows[e].size()) choice[e++] = 0;
    if (e == rows.size()) return least;
  }
}

TEST(Solve, Instance1IsProvenAt607) {
  const Instance instance = instance1();
  const Solution solution = solve(instance, {}).value();
  expect_proven(instance, solution);
  EXPECT_EQ(solution.cost, 607);
  EXPECT_LT(solution.seconds, 2);
}

TEST(Solve, WardOfFourteenPeopleAndTwoShiftsIsProvenWithinSeconds) {
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    const Instance instance = ward({.days = 14, .employees = 14, .shifts = 2, .seed = seed});
    const Solution solution = solve(instance, {}).value();
    expect_proven(instance, solution);
    EXPECT_LT(solution.seconds, 20);
  }
}

TEST(Solve, SmallWardsReachTheLeastCostOfAllCombinations) {
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    const Instance instance = ward({.days = 7, .employees = 3, .shifts = 1, .seed = seed});
    const Solution solution = solve(instance, {}).value();
    expect_proven(instance, solution);
    EXPECT_EQ(solution.cost, least_cost(instance)) << "seed " << seed;
  }
}

TEST(Solve, ColumnGenerationAgreesWithSelectionFromAllPatterns) {
  // Ten copies of the horizon's shifts make the patterns too many to list, not more useful.
  const Instance few = instance1();
  Instance many = few;
  for (int copy = 0; copy < 9; ++copy) {
    many.shifts.push_back({"D" + std::to_string(copy), 480, {}});
    for (Employee& employee : many.employees) employee.limits.max_shifts.push_back(14);
    for (int day = 0; day < many.days; ++day) {
      many.covers.push_back({day, many.shift_count() - 1, 0, 100, 1000});
    }
  }
  many.open_cells();
  for (int e = 0; e < few.employee_count(); ++e) {
    for (int day = 0; day < few.days; ++day) {
      if (few.cell(e, day, 0) == Cell::open) continue;
      for (int s = 0; s < many.shift_count(); ++s) {
        many.cells[many.cell_index(e, day, s)] = Cell::day_off;
      }
    }
  }
  const Solution solution = solve(many, {}).value();
  expect_proven(many, solution);
  EXPECT_EQ(solution.cost, 607);
}

TEST(Solve, WeekdaysAreFilledByFiveAssignments) {
  const Instance instance = weekdays();
  const Solution solution = solve(instance, {}).value();
  expect_proven(instance, solution);
  EXPECT_EQ(solution.cost, 0);
}

TEST(Solve, SlotThatNobodyCanTakeMakesItInfeasibleAndIsNamed) {
  Instance instance = weekdays();
  instance.cells[instance.cell_index(1, 2, 0)] = Cell::unavailable;
  const Solution solution = solve(instance, {}).value();
  EXPECT_EQ(solution.status, Status::infeasible);
  EXPECT_EQ(solution.cost, 1);
  EXPECT_EQ(solution.reason,
            "1 slot stays empty; nobody can take FRONT_DESK/GUARD/D on 2025-12-03 (needs 1, open "
            "to 0, 1 pattern_rests, 1 unavailable)");
}

TEST(Solve, EmployeeWithoutAPatternMakesItInfeasibleAndIsNamed) {
  const std::string text =
      replaced(instance_file("instance1.txt"), "C,D=14,4320,3360", "C,D=5,4320,3360");
  const Solution solution = solve(read_instance(text).value(), {}).value();
  EXPECT_EQ(solution.status, Status::infeasible);
  EXPECT_FALSE(solution.cost);
  EXPECT_EQ(solution.reason,
            "employee C has no row that keeps every rule; it would have one without the maximum "
            "of each shift or the minimum of minutes");
}

TEST(Solve, NoTimeAtAllIsTimeLimit) {
  Options options;
  options.time_limit = std::chrono::seconds(0);
  const Solution solution = solve(instance1(), options).value();
  EXPECT_EQ(solution.status, Status::time_limit);
  EXPECT_FALSE(solution.cost);
  EXPECT_TRUE(solution.roster.empty());
}

TEST(Solve, LimitAfterTheFirstRosterIsFeasibleWithABound) {
  const Instance instance = ward({.days = 14, .employees = 14, .shifts = 2});
  Options options;
  // A clock that jumps past the limit as soon as there is an incumbent.
  bool found = false;
  options.on_progress = [&found](const Progress& progress) {
    found = found || progress.incumbent.has_value();
  };
  options.now = [&found] { return SteadyTime(std::chrono::hours(found ? 1 : 0)); };
  const Solution solution = solve(instance, options).value();
  EXPECT_EQ(solution.status, Status::feasible);
  EXPECT_LT(solution.bound, *solution.cost);
  EXPECT_EQ(solution.reason, "the time limit came before the roster was proven optimal");
  EXPECT_TRUE(verify(instance, solution.roster).feasible());
}

TEST(Solve, StopRequestedFromTheProgressCallbackEndsTheSearch) {
  const Instance instance = ward({.days = 28, .employees = 16, .shifts = 2});
  std::stop_source source;
  Options options;
  options.stop = source.get_token();
  options.on_progress = [&source](const Progress& progress) {
    if (progress.incumbent && progress.bound > 0) source.request_stop();
  };
  const Solution solution = solve(instance, options).value();
  EXPECT_EQ(solution.status, Status::feasible);
  EXPECT_EQ(solution.reason, "stopped before the roster was proven optimal");
  EXPECT_LE(solution.bound, *solution.cost);
  EXPECT_EQ(verify(instance, solution.roster).cost, solution.cost);
}

TEST(Solve, StopBeforeTheStartIsTimeLimit) {
  std::stop_source source;
  source.request_stop();
  Options options;
  options.stop = source.get_token();
  EXPECT_EQ(solve(instance1(), options).value().status, Status::time_limit);
}

TEST(Solve, ProgressOnlyGetsBetterAndEndsAtTheAnswer) {
  const Instance instance = ward({.days = 14, .employees = 14, .shifts = 2, .seed = 3});
  std::vector<Progress> reports;
  Options options;
  options.on_progress = [&reports](const Progress& progress) { reports.push_back(progress); };
  const Solution solution = solve(instance, options).value();
  ASSERT_FALSE(reports.empty());
  for (std::size_t i = 1; i < reports.size(); ++i) {
    EXPECT_GE(reports[i].bound, reports[i - 1].bound);
    EXPECT_LE(reports[i].incumbent.value_or(1), reports[i - 1].incumbent.value_or(1'000'000));
    EXPECT_LE(reports[i].bound, reports[i].incumbent.value_or(1'000'000));
  }
  EXPECT_EQ(reports.back().incumbent, solution.cost);
  EXPECT_EQ(reports.back().bound, solution.bound);
}

TEST(Solve, ConcurrentSolvesGiveTheSameAnswers) {
  const Instance first = instance1();
  const Instance second = ward({.days = 14, .employees = 14, .shifts = 2, .seed = 3});
  const auto expected = solve(second, {}).value().cost;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      for (int round = 0; round < 3; ++round) {
        const bool even = (i + round) % 2 == 0;
        const Solution solution = solve(even ? first : second, {}).value();
        EXPECT_EQ(solution.status, Status::optimal);
        EXPECT_EQ(solution.cost, even ? 607 : expected);
      }
    });
  }
}

TEST(Solve, NothingIsWrittenToTheConsole) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  EXPECT_TRUE(solve(instance1(), {}));
  EXPECT_TRUE(solve(ward({.seed = 3}), {}));
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
  EXPECT_EQ(testing::internal::GetCapturedStderr(), "");
}

}  // namespace
}  // namespace penstock::roster
