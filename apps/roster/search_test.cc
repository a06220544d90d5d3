// SPDX-License-Identifier: MIT
#include "apps/roster/search.h"

#include <vector>

#include <gtest/gtest.h>

#include "apps/roster/sample_instances.h"

namespace penstock::roster {
namespace {

class SearchTest : public testing::Test {
 protected:
  SearchTest() : instance(one_person_week()) {
    instance.covers = {{0, 0, 1, 10, 1}, {1, 0, 1, 10, 1}};
    options.now = [this] { return now; };
    options.on_progress = [this](const Progress& progress) { reports.push_back(progress); };
  }

  Instance instance;
  std::chrono::steady_clock::time_point now;
  Options options;
  std::vector<Progress> reports;
};

TEST_F(SearchTest, OnlyBetterRostersAreKeptAndReported) {
  Search search(instance, options);
  search.offer(roster_of(instance, {"E......"}));
  search.offer(roster_of(instance, {"......."}));
  EXPECT_EQ(search.cost(), 10);
  search.offer(roster_of(instance, {"EE....."}));
  EXPECT_EQ(search.cost(), 0);
  ASSERT_EQ(reports.size(), 2U);
  EXPECT_EQ(reports[0].incumbent, 10);
  EXPECT_EQ(reports[1].incumbent, 0);
}

TEST_F(SearchTest, BoundRisesInWholeStepsAndNeverPassesTheCost) {
  Search search(instance, options);
  search.raise_bound(2.3);
  EXPECT_EQ(search.bound(), 3);
  search.raise_bound(1);
  EXPECT_EQ(search.bound(), 3);
  search.offer(roster_of(instance, {"E......"}));
  EXPECT_FALSE(search.proven());
  search.raise_bound(12);
  EXPECT_EQ(search.bound(), 10);
  EXPECT_TRUE(search.proven());
}

TEST_F(SearchTest, TimeIsOverAtTheLimit) {
  options.time_limit = std::chrono::seconds(3);
  Search search(instance, options);
  EXPECT_FALSE(search.over());
  now += std::chrono::seconds(3);
  EXPECT_TRUE(search.over());
  EXPECT_EQ(search.seconds(), 3);
}

}  // namespace
}  // namespace penstock::roster
