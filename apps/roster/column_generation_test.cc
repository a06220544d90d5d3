// SPDX-License-Identifier: MIT
#include "apps/roster/column_generation.h"

#include <gtest/gtest.h>

#include "apps/roster/descent.h"
#include "apps/roster/generate.h"
#include "apps/roster/sample_instances.h"
#include "apps/roster/verify.h"

namespace penstock::roster {
namespace {

/// Begins with the worst roster at hand, so that the generation has everything to do.
void offer_first_patterns(const Instance& instance, Search& search) {
  Roster roster;
  for (int e = 0; e < instance.employee_count(); ++e) {
    roster.push_back(enumerate_patterns(instance, e).value().at(0));
  }
  search.offer(roster);
}

TEST(ColumnGeneration, ProvesInstance1FromItsWorstStart) {
  const Instance instance = instance1();
  const auto patterns = Patterns::make(instance).value();
  const Options options;
  Search search(instance, options);
  offer_first_patterns(instance, search);
  ASSERT_TRUE(generate_columns(instance, patterns, search, 10));
  EXPECT_TRUE(search.proven());
  EXPECT_EQ(search.cost(), 607);
}

TEST(ColumnGeneration, AgreesWithTheSelectionFromAllPatterns) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    const Ward ward{.days = 14, .employees = 5, .shifts = 1, .seed = seed};
    const Instance instance = read_instance(generate_benchmark(ward)).value();
    const auto patterns = Patterns::make(instance).value();
    const Options options;
    Search search(instance, options);
    offer_first_patterns(instance, search);
    ASSERT_TRUE(generate_columns(instance, patterns, search, 10));
    EXPECT_TRUE(search.proven()) << "seed " << seed;
    // Few enough patterns for solve() to select from all of them.
    const Solution solution = solve(instance, options).value();
    ASSERT_EQ(solution.status, Status::optimal);
    EXPECT_EQ(search.cost(), *solution.cost) << "seed " << seed;
    EXPECT_EQ(verify(instance, search.roster()).cost, search.cost());
  }
}

TEST(ColumnGeneration, FillsSlotsThatMustNotBeOverfilled) {
  Instance instance = weekdays();
  for (Cell& cell : instance.cells) cell = Cell::open;
  const auto patterns = Patterns::make(instance).value();
  const Options options;
  Search search(instance, options);
  search.offer(Roster(2, Row(5, off)));
  ASSERT_TRUE(generate_columns(instance, patterns, search, 10));
  EXPECT_TRUE(search.proven());
  EXPECT_EQ(search.cost(), 0);
  EXPECT_TRUE(verify(instance, search.roster()).feasible());
}

TEST(ColumnGeneration, EndsAtOnceWhenTheTimeIsOver) {
  const Instance instance = instance1();
  const auto patterns = Patterns::make(instance).value();
  Options options;
  options.time_limit = std::chrono::seconds(0);
  Search search(instance, options);
  offer_first_patterns(instance, search);
  const std::int64_t before = search.cost();
  ASSERT_TRUE(generate_columns(instance, patterns, search, 10));
  EXPECT_EQ(search.cost(), before);
  EXPECT_EQ(search.bound(), 0);
}

}  // namespace
}  // namespace penstock::roster
