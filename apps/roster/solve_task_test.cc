// SPDX-License-Identifier: MIT
#include "apps/roster/solve_task.h"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "apps/roster/samples.h"

namespace penstock::roster {
namespace {

using nlohmann::json;

struct Notes : JobPort {
  void progress(double share, std::string_view message) override {
    shares.push_back(share);
    last = message;
  }
  void log(std::string_view line) override { lines.emplace_back(line); }
  std::vector<double> shares;
  std::string last;
  std::vector<std::string> lines;
};

class SolveTask : public testing::Test {
 protected:
  SolveTask() { add_solve_task(tasks_); }

  json solve(const json& payload, std::optional<SteadyTime> deadline = {}) {
    Job job{.id = {"RUN"}, .task = solve_task};
    JobContext context(job, Fence{1}, stop_.get_token(), deadline, notes_, nullptr);
    return json::parse(tasks_.find(solve_task)->run(payload.dump(), context));
  }

  Tasks tasks_;
  std::stop_source stop_;
  Notes notes_;
};

TEST_F(SolveTask, BenchmarkTextIsSolvedWithProgressAndLog) {
  const json answer = solve({{"text", sample_ward()}, {"time_limit_seconds", 30}});
  EXPECT_EQ(answer["status"], "OPTIMAL");
  EXPECT_EQ(answer["cost"], 607);
  EXPECT_EQ(answer["bound"], 607);
  EXPECT_EQ(notes_.last, "incumbent 607, bound 607");
  EXPECT_EQ(notes_.shares.back(), 1);
  EXPECT_TRUE(notes_.lines.back().starts_with("incumbent 607, bound 607 after "));
}

TEST_F(SolveTask, BareTextIsTheBenchmarkFormat) { EXPECT_EQ(solve(sample_ward())["cost"], 607); }

TEST_F(SolveTask, SmallFormatNamesTheJobAsItsRun) {
  const json answer = solve(json::parse(sample_weekdays()));
  EXPECT_EQ(answer["status"], "OPTIMAL");
  EXPECT_EQ(answer["assignments"].size(), 5U);
  EXPECT_EQ(answer["solverRun"]["runId"], "RUN");
}

TEST_F(SolveTask, BadInputIsNotTriedAgain) {
  EXPECT_THROW(solve({{"text", "SECTION_NONSENSE\n"}}), NoRetry);
  EXPECT_THROW(solve({{"planningHorizon", 7}}), NoRetry);
  EXPECT_THROW(solve({{"text", sample_ward()}, {"time_limit_seconds", "soon"}}), NoRetry);
  EXPECT_THROW(solve(json::array()), NoRetry);
  EXPECT_THROW(solve(nullptr), NoRetry);
}

TEST_F(SolveTask, StopEndsTheSearch) {
  stop_.request_stop();
  EXPECT_EQ(solve(sample_ward())["status"], "TIME_LIMIT");
}

TEST_F(SolveTask, DeadlineThatHasPassedEndsTheSearch) {
  EXPECT_EQ(solve(sample_ward(), real_clock().steady())["status"], "TIME_LIMIT");
}

}  // namespace
}  // namespace penstock::roster
