// SPDX-License-Identifier: MIT
#include "apps/roster/pattern_graph.h"

#include <limits>

#include <gtest/gtest.h>

#include "apps/roster/sample_instances.h"

namespace penstock::roster {
namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();

PatternGraph graph_of(const Instance& instance) {
  return PatternGraph::build(instance, instance.employees[0].limits, 100'000).value();
}

TEST(PatternGraph, WithoutLimitsEveryRowIsAPath) {
  Instance instance = one_person_week();
  instance.shifts[1].forbidden_followers = {};
  const PatternGraph graph = graph_of(instance);
  EXPECT_EQ(graph.count(DayCosts(7, 2)), 2187U);
  for (const auto& layer : graph.layers()) EXPECT_LE(layer.states(), 2U);
}

TEST(PatternGraph, CheapestRowIsTheCheapestOfAll) {
  const Instance instance = one_person_week();
  const PatternGraph graph = graph_of(instance);
  DayCosts costs(7, 2);
  for (int day = 0; day < 7; ++day) {
    costs.at(day, 0) = (day * 5) % 7 - 3;
    costs.at(day, 1) = (day * 3) % 7 - 4;
  }
  const auto all = graph.within(costs, 1e9, 10'000);
  ASSERT_TRUE(all);
  double least = infinite;
  for (const PricedRow& priced : *all) least = std::min(least, priced.cost);
  const auto best = graph.cheapest(costs);
  ASSERT_TRUE(best);
  EXPECT_DOUBLE_EQ(best->cost, least);
  double sum = 0;
  for (int day = 0; day < 7; ++day) sum += costs.at(day, best->row[static_cast<std::size_t>(day)]);
  EXPECT_DOUBLE_EQ(sum, least);
}

TEST(PatternGraph, WithinFindsExactlyTheRowsUpToTheLimit) {
  const Instance instance = one_person_week();
  const PatternGraph graph = graph_of(instance);
  DayCosts costs(7, 2);
  for (int day = 0; day < 7; ++day) costs.at(day, 0) = costs.at(day, 1) = 1;
  EXPECT_EQ(graph.within(costs, 0, 10'000)->size(), 1U);
  EXPECT_EQ(graph.within(costs, 1, 10'000)->size(), 15U);
  EXPECT_TRUE(graph.within(costs, 1, 15));
  EXPECT_FALSE(graph.within(costs, 1, 14));
}

TEST(PatternGraph, InfiniteCostsCloseChoices) {
  const Instance instance = one_person_week();
  DayCosts costs(7, 2);
  for (int day = 0; day < 7; ++day) costs.at(day, 0) = costs.at(day, 1) = infinite;
  EXPECT_EQ(graph_of(instance).count(costs), 1U);
  costs.at(3, off) = infinite;
  EXPECT_EQ(graph_of(instance).count(costs), 0U);
  EXPECT_FALSE(graph_of(instance).cheapest(costs));
  EXPECT_TRUE(graph_of(instance).within(costs, 1e300, 10)->empty());
}

TEST(PatternGraph, ImpossibleLimitsLeaveItEmpty) {
  Instance instance = one_person_week();
  instance.employees[0].limits.min_minutes = 8 * 480;
  EXPECT_TRUE(graph_of(instance).empty());
  EXPECT_EQ(graph_of(instance).count(DayCosts(7, 2)), 0U);
}

TEST(PatternGraph, TooManyStatesAreRefused) {
  Instance instance = one_person_week();
  instance.employees[0].limits.max_minutes = 3 * 480;
  const auto graph = PatternGraph::build(instance, instance.employees[0].limits, 10);
  ASSERT_FALSE(graph);
  EXPECT_EQ(graph.error().code, Errc::too_large);
}

}  // namespace
}  // namespace penstock::roster
