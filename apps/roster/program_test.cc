// SPDX-License-Identifier: MIT
#include "apps/roster/program.h"

#include <gtest/gtest.h>

namespace penstock::roster {
namespace {

/// Choose items so that at least `needed` weight is packed: 5 for 7, 4 for 5, 3 for 4.
Program packing(double needed) {
  Program program;
  const int weight = program.add_row(needed, 1e30);
  program.add_column(7, 1, {{weight, 5}});
  program.add_column(5, 1, {{weight, 4}});
  program.add_column(4, 1, {{weight, 3}});
  return program;
}

TEST(Program, OptimumIsFoundAndProven) {
  const auto answer = solve_program(packing(7), {}).value();
  EXPECT_TRUE(answer.finished);
  ASSERT_TRUE(answer.values);
  EXPECT_EQ(answer.cost, 9);
  EXPECT_EQ(answer.bound, 9);
}

TEST(Program, NothingFitsWhenTooMuchIsNeeded) {
  const auto answer = solve_program(packing(13), {}).value();
  EXPECT_TRUE(answer.finished);
  EXPECT_FALSE(answer.values);
}

TEST(Program, CutoffAdmitsOnlyBetterSolutions) {
  ProgramOptions options;
  options.cutoff = 8.5;
  const auto none = solve_program(packing(7), options).value();
  EXPECT_TRUE(none.finished);
  EXPECT_FALSE(none.values);
  options.cutoff = 9.5;
  EXPECT_TRUE(solve_program(packing(7), options).value().values);
}

TEST(Program, StopBeforeTheStartProvesNothing) {
  std::stop_source source;
  source.request_stop();
  ProgramOptions options;
  options.stop = source.get_token();
  EXPECT_FALSE(solve_program(packing(7), options).value().finished);
}

TEST(Program, NoTimeAtAllProvesNothing) {
  ProgramOptions options;
  options.time_limit = std::chrono::seconds(-1);
  EXPECT_FALSE(solve_program(packing(7), options).value().finished);
}

}  // namespace
}  // namespace penstock::roster
