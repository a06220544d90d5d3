// SPDX-License-Identifier: MIT
//
// What check() tells of flows in C++ before they run.
#include <penstock/flow.h>

#include <gtest/gtest.h>

namespace penstock::testing {
namespace {

std::string told(const Flow& flow) {
  const auto checked = flow.check();
  return checked ? "" : checked.error().message;
}

TEST(FlowCheck, NodesOfAnotherFlowAreNotConnected) {
  Flow other("other");
  auto far = other.task("far", [] {});
  for (int i = 0; i < 4; ++i) {
    Flow flow("flow");
    auto near = flow.task("near", [] {});
    if (i == 0) near >> far;
    if (i == 1) far >> near;
    if (i == 2) near >> (near | far);
    if (i == 3) flow.start(far);
    EXPECT_NE(told(flow).find("nodes of flow"), std::string::npos) << i << told(flow);
  }
  EXPECT_NE(told(other).find("are connected"), std::string::npos);
  Flow around("around");
  around.flow("inside", other);
  EXPECT_NE(told(around).find("are connected"), std::string::npos);
}

TEST(FlowCheck, AFlowInsideItselfIsThereAsItWas) {
  Flow empty("empty");
  empty.flow("inside", empty);
  EXPECT_NE(told(empty), "");
  Flow flow("flow");
  auto first = flow.task("first", [] {});
  first >> flow.flow("flow", flow) >> flow.run("run", flow);
  EXPECT_EQ(told(flow), "");
  Tasks tasks;
  EXPECT_TRUE(tasks.add(flow));
}

TEST(FlowCheck, ANodeThatNoFlowHasMadeIsNotConnected) {
  Flow flow("flow");
  flow.task("a", [] {}) >> Nodes{};
  EXPECT_NE(told(flow).find("that no flow has made"), std::string::npos);
}

TEST(FlowCheck, AGroupHasOneAction) {
  Flow flow("flow");
  auto a = flow.task("a", [] {}), b = flow.task("b", [] {}), c = flow.task("c", [] {});
  auto split = flow.task("split", [] {});
  split >> (a | b);
  ((a - "go") | (b - "no")) >> c;
  EXPECT_NE(told(flow).find("actions \"go\" and \"no\" are one group"), std::string::npos)
      << told(flow);
}

TEST(FlowCheck, ParametersAreNamedOneByOne) {
  Flow flow("flow");
  flow.task("a", [](int, Shared&) {}, {"x", "y"});
  EXPECT_EQ(told(flow), "flow flow: node a: its function takes 1 named parameters, 2 are named");
}

TEST(FlowCheck, GatesCanEnd) {
  Flow flow("flow");
  auto timer = flow.gate("timer", {.ask = GateOptions::Ask::timer});
  auto pick = flow.gate("pick", {.ask = GateOptions::Ask::selection});
  timer >> pick;
  EXPECT_EQ(told(flow),
            "flow flow, node timer: a timer needs a deadline: how long it waits\n"
            "flow flow, node pick: a gate that asks for a selection needs choices");
}

}  // namespace
}  // namespace penstock::testing
