// SPDX-License-Identifier: MIT
#include "apps/roster/slots.h"

#include <gtest/gtest.h>

#include "apps/roster/sample_instances.h"

namespace penstock::roster {
namespace {

TEST(Slots, FilledRosterLeavesNothingToSay) {
  const Instance instance = weekdays();
  const Roster roster{{0, 0, off, 0, 0}, {off, off, 0, off, off}};
  EXPECT_TRUE(unfilled_slots(instance, roster).empty());
  EXPECT_EQ(describe_unfilled(instance, roster), "");
}

TEST(Slots, SlotThatNobodyCanTakeIsNamedFirst) {
  Instance instance = weekdays();
  instance.cells[instance.cell_index(1, 2, 0)] = Cell::unavailable;
  EXPECT_EQ(describe_unfilled(instance, Roster(2, Row(5, off))),
            "5 slots stay empty; nobody can take FRONT_DESK/GUARD/D on 2025-12-03 (needs 1, open "
            "to 0, 1 pattern_rests, 1 unavailable)");
}

TEST(Slots, SurplusElsewhereFillsNoSlot) {
  const Instance instance = weekdays();
  const Roster roster{{0, 0, off, 0, 0}, {0, off, off, 0, off}};
  const auto unfilled = unfilled_slots(instance, roster);
  ASSERT_EQ(unfilled.size(), 1U);
  EXPECT_EQ(unfilled[0].cover, 2);
  EXPECT_EQ(unfilled[0].missing, 1);
}

}  // namespace
}  // namespace penstock::roster
