// SPDX-License-Identifier: MIT
//
// What is refused of a flow that is written in C++.
#include <penstock/flow.h>
#include <penstock/worker.h>

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

Flow constant(int k) {
  Flow flow("step");
  flow.task("a", [k] { return k; });
  return flow;
}

TEST(FlowBuilder, TwoFlowsOfOneNameWithCodeOfTheirOwnAreRefused) {
  Flow flow("f");
  flow.flow("one", constant(1)) >> flow.run("two", constant(2));
  EXPECT_EQ(refusal(flow),
            "flow f: two flows in it have a node step.a, each with code of its own: give every "
            "flow another name, or use one flow in both places");
  Flow again("again");
  const Flow step = constant(1);
  again.flow("one", step) >> again.run("two", step);
  EXPECT_EQ(refusal(again), "");
  Flow deep("deep");
  Flow around("around");
  around.flow("inner", constant(1));
  deep.flow("one", around) >> deep.flow("two", constant(2));
  EXPECT_NE(refusal(deep).find("step.a"), std::string::npos);
}

TEST(FlowBuilder, AWorkerTakesNoOtherCodeForATaskThatItHas) {
  Tasks tasks;
  const Flow step = constant(1);
  tasks.add(step).value();
  Flow around("around");
  around.flow("inner", step);
  EXPECT_TRUE(tasks.add(around));
  EXPECT_TRUE(tasks.add(step));
  const auto refused = tasks.add(constant(2));
  EXPECT_EQ(refused.error().code, Errc::invalid);
  EXPECT_EQ(refused.error().message,
            "flow step: there is a task step.a already, with other code: give the flow another "
            "name");
}

TEST(FlowBuilder, AFlowIsNoPartOfARunWithTheBoundsOfAWholeRun) {
  const std::vector<FlowOptions> some = {{.max_steps = 5}, {.timeout = Duration{5}}};
  for (const FlowOptions& options : some) {
    Flow inner("inner", options), flow("f"), run("g");
    inner.task("a", [] {});
    flow.flow("part", inner);
    EXPECT_EQ(refusal(flow),
              "flow f, node part: timeout and max_steps bound a whole run, and this flow is a part "
              "of one: give them to the flow around, or make this a run");
    run.run("whole", inner);
    EXPECT_EQ(refusal(run), "");
  }
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
