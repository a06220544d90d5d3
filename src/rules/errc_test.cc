// SPDX-License-Identifier: MIT
#include "rules/errc.h"

#include <gtest/gtest.h>

#include <set>

namespace penstock::rules {
namespace {

TEST(ErrorTable, HasEachCodeInItsPlace) {
  EXPECT_EQ(errc_table().size(), static_cast<std::size_t>(Errc::internal) + 1);
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < errc_table().size(); ++i) {
    const ErrcRow& row = errc_table()[i];
    EXPECT_EQ(static_cast<std::size_t>(row.code), i);
    EXPECT_EQ(&describe(row.code), &row);
    EXPECT_TRUE(names.insert(row.name).second);
    EXPECT_GE(row.http_status, 400);
    EXPECT_GT(row.exit_code, 0);
  }
}

TEST(ErrorTable, OnlyWhatMayPassIsWorthTryingAgain) {
  for (const ErrcRow& row : errc_table()) {
    const bool passes = row.code == Errc::not_ready || row.code == Errc::limited ||
                        row.code == Errc::timed_out || row.code == Errc::unavailable;
    EXPECT_EQ(row.retryable, passes) << row.name;
  }
}

}  // namespace
}  // namespace penstock::rules
