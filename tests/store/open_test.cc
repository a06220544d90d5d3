// SPDX-License-Identifier: MIT
//
// From a URL to a store.
#include "store/open.h"
#include "tests/support/store_fixture.h"

#include <gtest/gtest.h>

namespace penstock::testing {
namespace {

TEST(OpenStore, RefusesWhatItDoesNotUnderstandAndNamesIt) {
  for (const char* url :
       {"", "jobs.db", "postgres://x", "sqlite:", "sqlite::disk:", "sqlite::memory:?size=3",
        "sqlite::memory:?prefix=a b", "sqlite:jobs.db?mode=ro"}) {
    const auto refused = open_store(url);
    ASSERT_FALSE(refused) << url;
    EXPECT_EQ(refused.error().code, Errc::invalid) << url;
  }
  EXPECT_EQ(open_store("redi:x").error().message,
            "store URL \"redi:x\" is not understood: write sqlite:PATH, sqlite::memory: or "
            "redis://HOST:PORT/DB");
}

TEST(OpenStore, OneMemoryStoreForAllWhoNameItUntilTheLastHasGone) {
  const std::string url = "sqlite::memory:?prefix=open-test";
  {
    auto one = open_store(url).value(), two = open_store(url).value();
    auto stranger = open_store(url + "-other").value();
    Producer(*one).add("a");
    EXPECT_EQ(two->count({}).value().of(JobState::ready), 1);
    EXPECT_EQ(stranger->count({}).value().of(JobState::ready), 0);
  }
  EXPECT_EQ(open_store(url).value()->count({}).value().of(JobState::ready), 0);
}

TEST(OpenStore, MemoryIsRefusedWhereAStoreMustBeSafe) {
  EXPECT_EQ(open_store("sqlite::memory:", {.require_safe = true}).error().code, Errc::denied);
}

TEST(OpenStore, NamesAFileByItsFullPath) {
  const TempFolder folder;
  const auto path = folder.path() / "deep" / ".." / "jobs.db";
  EXPECT_EQ(open_store("sqlite:" + path.string()).value()->name(),
            "sqlite:" + (folder.path() / "jobs.db").string());
}

}  // namespace
}  // namespace penstock::testing
