// SPDX-License-Identifier: MIT
#include "apps/roster/selection.h"

#include <gtest/gtest.h>

#include "apps/roster/generate.h"
#include "apps/roster/sample_instances.h"
#include "apps/roster/verify.h"

namespace penstock::roster {
namespace {

TEST(Selection, FlowAndSelectionFromAllPatternsCostTheSame) {
  for (std::uint64_t seed = 1; seed <= 10; ++seed) {
    const Ward ward{.days = 7, .employees = 4, .shifts = 2, .seed = seed};
    const Instance instance = read_instance(generate_benchmark(ward)).value();
    const auto patterns = Patterns::make(instance).value();
    std::vector<Choices> choices;
    for (int e = 0; e < instance.employee_count(); ++e) {
      choices.push_back(enumerate_patterns(instance, e).value());
    }
    const Selection selection(instance, patterns, choices);
    const Flow flow(instance, patterns);
    const auto selected = solve_program(selection.program(), {}).value();
    const auto sent = solve_program(flow.program(), {}).value();
    ASSERT_TRUE(selected.values && sent.values) << "seed " << seed;
    EXPECT_EQ(selected.cost, sent.cost) << "seed " << seed;
    const auto unavoidable = static_cast<double>(patterns.unavoidable_cost());
    for (const Roster& roster : {selection.roster(*selected.values), flow.roster(*sent.values)}) {
      const Verdict verdict = verify(instance, roster);
      EXPECT_TRUE(verdict.feasible());
      EXPECT_EQ(static_cast<double>(verdict.cost), selected.cost + unavoidable) << "seed " << seed;
    }
  }
}

TEST(Selection, ExactCoverHasNoColumnForSurplus) {
  const Instance instance = weekdays();
  Program program;
  const CoverRows cover(instance, program);
  EXPECT_EQ(program.columns(), 5);
  EXPECT_EQ(cover.row(0, off), -1);
  EXPECT_EQ(cover.entries({0, off, 0, off, off}).size(), 2U);
}

}  // namespace
}  // namespace penstock::roster
