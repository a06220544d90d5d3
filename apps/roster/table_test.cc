// SPDX-License-Identifier: MIT
#include "apps/roster/table.h"

#include <gtest/gtest.h>

#include "apps/roster/sample_instances.h"

namespace penstock::roster {
namespace {

TEST(Table, BenchmarkDaysAreNumbers) {
  Instance instance = one_person_week();
  EXPECT_EQ(render_table(instance, roster_of(instance, {"EE.LL.E"})),
            "  M  T  W  T  F  S  S\n"
            "  0  1  2  3  4  5  6\n"
            "A E  E  .  L  L  .  E\n");
}

TEST(Table, SmallFormatDaysAreDatesAndShiftsAreCodes) {
  const Roster roster{{0, 0, off, 0, 0}, {off, off, 0, off, off}};
  EXPECT_EQ(render_table(weekdays(), roster),
            "        M  T  W  T  F\n"
            "        01 02 03 04 05\n"
            "EMP_001 D  D  .  D  D\n"
            "EMP_002 .  .  D  .  .\n");
}

TEST(Table, LongHorizonsAreCutIntoFourWeeks) {
  Instance instance = one_person_week();
  instance.days = 29;
  const std::string table = render_table(instance, {Row(29, off)});
  EXPECT_NE(table.find("\n\n  M\n  28\nA .\n"), std::string::npos) << table;
}

}  // namespace
}  // namespace penstock::roster
