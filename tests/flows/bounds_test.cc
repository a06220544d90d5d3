// SPDX-License-Identifier: MIT
//
// What bounds a run, and the flows inside it.
#include "tests/flows/flow_fixture.h"
#include "tests/flows/three_steps.h"

namespace penstock::testing {
namespace {

using Bounds = FlowTest;
INSTANTIATE_TEST_SUITE_P(Stores, Bounds, ::testing::ValuesIn(flow_stores()), flow_store_name);

TEST_P(Bounds, MaxStepsAndMaxVisitsFailTheRunAndSaySo) {
  Flow endless("endless", {.max_steps = 20});
  auto a = endless.node("a", acting([](Shared&) { return "default"; }));
  a >> endless.node("b", acting([](Shared&) { return "default"; })) >> a;
  endless.start(a);
  Run ended = run(endless);
  EXPECT_EQ(ended.state, "failed");
  EXPECT_NE(ended.error.find("max_steps exceeded"), std::string::npos) << ended.error;
  EXPECT_LE(ended.steps, 20);
  Flow visits("visits", {.max_visits = 5});
  auto c = visits.node("c", acting([](Shared& shared) { return shared.add("n", 1), "default"; }));
  c >> c;
  visits.start(c);
  work({visits});
  ended = run(visits);
  EXPECT_EQ(ended.state, "failed");
  EXPECT_NE(ended.error.find("max_visits"), std::string::npos) << ended.error;
  EXPECT_EQ(shared("n"), 5);
}

TEST_P(Bounds, AFlowInAnotherKeepsItsOwnBoundsAndThoseAroundIt) {
  const auto ends = [this](FlowOptions within, FlowOptions around, const char* action) {
    Flow inner("inner", within);
    auto a = inner.node("a", acting([action](Shared& shared) {
                          shared.add("n", 1);
                          return shared.get_or("n", 0) < 8 ? "again" : action;
                        }));
    a.on("again") >> a;
    inner.start(a);
    Flow flow("outer", around);
    flow.flow("inner", inner);
    work({flow});
    const Run ended = run(flow);
    return ended.state + ' ' + ended.error;
  };
  EXPECT_EQ(ends({}, {}, "left"), "succeeded ");
  const std::string visits = "failed node inner#1/a#4: node a was to run 4 times, max_visits is 3";
  EXPECT_EQ(ends({.max_visits = 3}, {}, "left"), visits);
  EXPECT_EQ(ends({}, {.max_visits = 3}, "left"), visits);
  EXPECT_EQ(ends({.max_visits = 3}, {.max_visits = 4}, "left"), visits);
  const std::string missing = "has no edge (it has: again)";
  EXPECT_NE(ends({.fail_on_missing = true}, {}, "left").find(missing), std::string::npos);
  EXPECT_NE(ends({}, {.fail_on_missing = true}, "left").find(missing), std::string::npos);
  Flow inner("turns", {.max_cycles = 2}), flow("outer");
  inner.task("a", [](Shared& shared) { shared.next_iteration(1); });
  flow.flow("inner", inner);
  work({flow});
  EXPECT_NE(run(flow).error.find("max_cycles is 2"), std::string::npos);
}

}  // namespace
}  // namespace penstock::testing
