// SPDX-License-Identifier: MIT
//
// What is refused of a flow that is written in C++.
#include <penstock/flow.h>

#include <gtest/gtest.h>

namespace penstock {
namespace {

std::string refusal(const Flow& flow) {
  const auto ok = flow.check();
  return ok ? "" : ok.error().message;
}

TEST(FlowBuilder, APathToANodeThatDoesNotExistIsRefused) {
  Flow flow("f");
  flow.job("list", "t") >> flow.map("each", "$.nodes.lists.result", [](int n) { return n; }) >>
      flow.job("all", "t", {{"rows", "$.nodes.each.result"}, {"item", "$.item"}});
  EXPECT_EQ(refusal(flow),
            "flow f, node each: map.over: there is no node \"lists\" (list?) in this flow\n"
            "flow f, node all: with: $.item: $.item is only there in the with of a node that has "
            "a map");
  EXPECT_FALSE(flow.definition());
}

TEST(FlowBuilder, AnEdgeOfAnActionThatAGateNeverGivesIsRefused) {
  Flow flow("f");
  flow.gate("ask", {.ask = GateOptions::Ask::approval}) >> flow.job("load", "t");
  EXPECT_EQ(refusal(flow),
            "flow f, node ask: next.default can never come: a gate that asks for approval ends "
            "with approved or rejected");
}

TEST(FlowBuilder, NodesOfAnotherFlowAreNotConnected) {
  Flow other("other");
  auto far = other.task("far", [] {});
  for (int i = 0; i < 4; ++i) {
    Flow flow("flow");
    auto near = flow.task("near", [] {});
    if (i == 0) near >> far;
    if (i == 1) far >> near;
    if (i == 2) near >> (near | far);
    if (i == 3) flow.start(far);
    EXPECT_NE(refusal(flow).find("nodes of flow"), std::string::npos) << i << refusal(flow);
  }
  EXPECT_NE(refusal(other).find("are connected"), std::string::npos);
  Flow around("around");
  around.flow("inside", other);
  EXPECT_NE(refusal(around).find("are connected"), std::string::npos);
}

TEST(FlowBuilder, AFlowInsideItselfIsThereAsItWas) {
  Flow empty("empty");
  empty.flow("inside", empty);
  EXPECT_NE(refusal(empty), "");
  Flow flow("flow");
  auto first = flow.task("first", [] {});
  first >> flow.flow("flow", flow) >> flow.run("run", flow);
  EXPECT_EQ(refusal(flow), "");
  Tasks tasks;
  EXPECT_TRUE(tasks.add(flow));
}

TEST(FlowBuilder, ANodeThatNoFlowHasMadeIsNotConnected) {
  Flow flow("flow");
  flow.task("a", [] {}) >> Nodes{};
  EXPECT_NE(refusal(flow).find("that no flow has made"), std::string::npos);
}

TEST(FlowBuilder, AGroupHasOneAction) {
  Flow flow("flow");
  auto a = flow.task("a", [] {}), b = flow.task("b", [] {}), c = flow.task("c", [] {});
  auto split = flow.task("split", [] {});
  split >> (a | b);
  ((a - "go") | (b - "no")) >> c;
  EXPECT_NE(refusal(flow).find("actions \"go\" and \"no\" are one group"), std::string::npos)
      << refusal(flow);
}

TEST(FlowBuilder, ParametersAreNamedOneByOne) {
  Flow flow("flow");
  flow.task("a", [](int, Shared&) {}, {"x", "y"});
  EXPECT_EQ(refusal(flow), "flow flow: node a: its function takes 1 named parameters, 2 are named");
}

TEST(FlowBuilder, GatesCanEnd) {
  Flow flow("flow");
  auto timer = flow.gate("timer", {.ask = GateOptions::Ask::timer});
  auto pick = flow.gate("pick", {.ask = GateOptions::Ask::selection});
  timer >> pick;
  EXPECT_EQ(refusal(flow),
            "flow flow, node timer: a timer needs a deadline: how long it waits\n"
            "flow flow, node pick: a gate that asks for a selection needs choices");
}

}  // namespace
}  // namespace penstock
