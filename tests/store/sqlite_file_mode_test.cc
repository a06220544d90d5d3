// SPDX-License-Identifier: MIT
#include "tests/support/store_fixture.h"

#include <gtest/gtest.h>

#include <filesystem>

namespace penstock::testing {
namespace {

namespace fs = std::filesystem;

fs::perms mode_of(const fs::path& path) { return fs::status(path).permissions(); }

TEST(SqliteFileMode, ANewDatabaseAndItsFolderAreTheOwnersAlone) {
  TempFolder folder;
  const fs::path path = folder.path() / "made" / "jobs.db";
  const auto store = open_store("sqlite:" + path.string());
  ASSERT_TRUE(store);
  const fs::perms owner = fs::perms::owner_read | fs::perms::owner_write;
  EXPECT_EQ(mode_of(path), owner);
  EXPECT_EQ(mode_of(path.string() + "-live"), owner);
  EXPECT_EQ(mode_of(path.parent_path()), fs::perms::owner_all);
}

TEST(SqliteFileMode, TheLiveFileFollowsTheModeOfItsDatabase) {
  TempFolder folder;
  const fs::path path = folder.path() / "jobs.db";
  ASSERT_TRUE(open_store("sqlite:" + path.string()));
  const fs::perms group = fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read |
                          fs::perms::group_write;
  fs::permissions(path, group);
  fs::remove(path.string() + "-live");
  ASSERT_TRUE(open_store("sqlite:" + path.string()));
  EXPECT_EQ(mode_of(path.string() + "-live"), group);
}

}  // namespace
}  // namespace penstock::testing
