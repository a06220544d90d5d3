// SPDX-License-Identifier: MIT
#include "apps/roster/generate.h"

#include <gtest/gtest.h>

#include "apps/roster/patterns.h"
#include "apps/roster/sample_instances.h"
#include "apps/roster/sha256.h"

namespace penstock::roster {
namespace {

TEST(Generate, SameSeedGivesTheSameTextEverywhere) {
  EXPECT_EQ(sha256(generate_benchmark({})).value(),
            "ecde17c61b51fe7dfc01ecd1f733dc2088b416533f8feab3875567428ce4d01e");
  EXPECT_NE(generate_benchmark({.seed = 1}), generate_benchmark({.seed = 2}));
}

TEST(Generate, EveryEmployeeHasAPattern) {
  for (const Ward& ward : {Ward{7, 3, 1, 5}, Ward{14, 30, 2, 6}, Ward{28, 8, 3, 7}}) {
    const Instance instance = read_instance(generate_benchmark(ward)).value();
    EXPECT_EQ(instance.employee_count(), ward.employees);
    const auto patterns = Patterns::make(instance).value();
    for (int e = 0; e < ward.employees; ++e) EXPECT_GT(patterns.count(e), 0U);
  }
}

}  // namespace
}  // namespace penstock::roster
