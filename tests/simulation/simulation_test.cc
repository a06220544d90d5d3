// SPDX-License-Identifier: MIT
//
// PENSTOCK_SEED=17 ./dev test simulation repeats one course of events.
#include "tests/simulation/history.h"
#include "tests/simulation/world.h"
#include "tests/support/describe.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

namespace penstock::testing {
namespace {

class Simulation : public ::testing::TestWithParam<std::uint64_t> {};

void expect_good_end(World& world, std::uint64_t seed) {
  SCOPED_TRACE("repeat with PENSTOCK_SEED=" + std::to_string(seed));
  ASSERT_TRUE(world.run()) << "did not come to an end: " << describe(world.store());
  EXPECT_THAT(faults_of_history(world.store(), world.jobs()), ::testing::IsEmpty());
  EXPECT_EQ(describe(*world.store().count({})), recount(world.store()));
  EXPECT_EQ(world.store().check()->sessions, 0) << "a session was left behind";
}

TEST_P(Simulation, EveryJobEndsOnceWhateverDiesStallsOrIsLost) {
  World world({.seed = GetParam()});
  expect_good_end(world, GetParam());
}

TEST_P(Simulation, LostCallsAloneCostNoJobACrash) {
  World world({.seed = GetParam(), .loss = 0.1, .deaths = 0, .pauses = 0});
  expect_good_end(world, GetParam());
  // A pump in doubt asks before it repeats: nothing is sent twice.
  EXPECT_EQ(world.store().check()->stale_writes_refused, 0);
  // Beats are lost too, but never long enough for a death that was none.
  for (const JobId& id : world.jobs()) EXPECT_EQ(find_job(world.store(), id).crashes, 0) << id.text;
}

TEST_P(Simulation, NothingIsRescuedWhereNothingGoesWrong) {
  World world({.seed = GetParam(), .loss = 0, .deaths = 0, .pauses = 0});
  expect_good_end(world, GetParam());
  EXPECT_EQ(world.store().check()->sessions_lost, 0);
  EXPECT_EQ(world.store().check()->stale_writes_refused, 0);
}

std::vector<std::uint64_t> seeds() {
  if (const char* one = std::getenv("PENSTOCK_SEED")) return {std::strtoull(one, nullptr, 10)};
  return {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
}

INSTANTIATE_TEST_SUITE_P(Seeds, Simulation, ::testing::ValuesIn(seeds()));

}  // namespace
}  // namespace penstock::testing
