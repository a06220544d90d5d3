// SPDX-License-Identifier: MIT
#include "apps/roster/descent.h"

#include <gtest/gtest.h>

#include "apps/roster/sample_instances.h"
#include "apps/roster/verify.h"

namespace penstock::roster {
namespace {

TEST(Descent, FindsAFeasibleRosterNearTheOptimumOfInstance1) {
  const Instance instance = instance1();
  const auto patterns = Patterns::make(instance).value();
  const Options options;
  Search search(instance, options);
  descend(instance, patterns, search);
  ASSERT_TRUE(search.has_roster());
  EXPECT_TRUE(verify(instance, search.roster()).feasible());
  EXPECT_LT(search.cost(), 1000);
}

TEST(Descent, NeverLeavesAnOptimum) {
  const Instance instance = instance1();
  const auto patterns = Patterns::make(instance).value();
  const Options options;
  Search search(instance, options);
  descend_from(instance, patterns, roster_of(instance, optimal_rows_of_instance1()), search);
  EXPECT_EQ(search.cost(), 607);
}

TEST(Descent, NeverOverfillsASlot) {
  Instance instance = weekdays();
  for (Cell& cell : instance.cells) cell = Cell::open;
  const auto patterns = Patterns::make(instance).value();
  const Options options;
  Search search(instance, options);
  descend(instance, patterns, search);
  ASSERT_TRUE(search.has_roster());
  EXPECT_TRUE(verify(instance, search.roster()).feasible());
}

}  // namespace
}  // namespace penstock::roster
