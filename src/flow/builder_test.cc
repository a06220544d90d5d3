// SPDX-License-Identifier: MIT
//
// What is refused of a flow that is written in C++.
#include <penstock/flow.h>
#include <penstock/worker.h>

#include <gtest/gtest.h>

#include <cmath>

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

TEST(FlowBuilder, ANameOfAGroupThatIsNoUtf8IsAMistake) {
  Flow flow("flow");
  auto a = flow.task("a", [] {}), b = flow.task("b", [] {}), c = flow.task("c", [] {});
  a >> (b | c).with(Policy::best_effort(), "\xff");
  EXPECT_NE(refusal(flow).find("is no UTF-8"), std::string::npos) << refusal(flow);
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
  EXPECT_EQ(refusal(flow), "flow flow: node a: its function takes 1 named parameter, 2 are named");
  Flow one("flow");
  one.task("a", [](int, int) {}, {"x"});
  EXPECT_EQ(refusal(one), "flow flow: node a: its function takes 2 named parameters, 1 is named");
}

TEST(FlowBuilder, ANodeIsInOneGroupOfMembersThatAreThere) {
  Flow flow("f");
  auto a = flow.task("a", [] {}), b = flow.task("b", [] {}), c = flow.task("c", [] {});
  auto one = (b | c).with(Policy::critical({"x"}), "one");
  a >> one >> flow.task("d", [] {});
  one.with(Policy::strict(), "two");
  EXPECT_EQ(refusal(flow),
            "flow f: critical of group one names \"x\", which is no member of it\n"
            "flow f: group two names \"b\", which is in group one already: a node is in one group\n"
            "flow f: group two names \"c\", which is in group one already: a node is in one group");
}

TEST(FlowBuilder, ParametersAreWrittenAsJson) {
  Flow inner("inner");
  inner.task("x", [] {});
  Flow flow("f");
  flow.job("a", "t", {{"x", std::nan("")}}, {.params = {{"y", "\xff"}}}) >>
      flow.run("b", inner, {{"x", 1 / std::sin(0.0)}});
  EXPECT_EQ(
      refusal(flow),
      "flow f: node a: params cannot be written as JSON: invalid UTF-8 byte at index 0: 0xFF\n"
      "flow f: node a: with cannot be written as JSON: it holds NaN at /x, which JSON does not "
      "have\n"
      "flow f: node b: with cannot be written as JSON: it holds infinity at /x, which JSON does "
      "not have");
}

TEST(FlowBuilder, TextsAreUtf8) {
  Flow flow("f");
  auto ask = flow.gate(
      "ask", {.ask = GateOptions::Ask::selection, .prompt = "\xff?", .choices = {"\xfe"}});
  auto a = flow.task("a", [] {}), b = flow.task("b", [] {});
  ask >> a;
  (a - "\xfd") >> b;
  EXPECT_EQ(refusal(flow),
            "flow f, node ask: prompt \"\\xff?\" is not UTF-8\n"
            "flow f, node ask: choice \"\\xfe\" is not UTF-8\n"
            "flow f, node a: action \"\\xfd\" is not UTF-8");
  EXPECT_FALSE(flow.definition());
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

TEST(FlowBuilder, QueuesAndPoolsHaveNames) {
  const std::string rule =
      "is not a name: use 1 to 128 letters, digits and _ . : / -, beginning with a letter, digit "
      "or _";
  Flow inner("inner");
  inner.gate("ask", {.ask = GateOptions::Ask::text}, {.queue = ""});
  Flow flow("f");
  flow.task("a", [] {}, {}, {.queue = "\xc3\xbc "}) >>
      flow.job("b", "t", nullptr, {.pool = "a b"}) >> flow.flow("c", inner);
  EXPECT_EQ(refusal(flow), "flow f, node a: queue \"\xc3\xbc \" " + rule +
                               "\nflow f, node b: pool \"a b\" " + rule +
                               "\nflow f, node c/ask: queue \"\" " + rule);
}

std::string refusal_of(const NodeOptions& options) {
  Flow flow("f");
  flow.task(
      "a", [] {}, {}, options);
  return refusal(flow);
}

TEST(FlowBuilder, RetriesAndTimeOutsAreInRange) {
  const std::string backoff =
      "flow f, node a: backoff is out of range: 0 <= first <= cap and 0 <= jitter <= 1 must hold";
  EXPECT_EQ(refusal_of({.backoff = Backoff{.jitter = 7}}), backoff);
  EXPECT_EQ(refusal_of({.backoff = Backoff{.jitter = std::nan("")}}), backoff);
  EXPECT_EQ(refusal_of({.backoff = Backoff{.first = Duration{-5}}}), backoff);
  EXPECT_EQ(refusal_of({.backoff = Backoff{.first = Duration{5}, .cap = Duration{1}}}), backoff);
  EXPECT_EQ(refusal_of({.backoff = Backoff{.kind = Backoff::Kind::none}}), "");
  EXPECT_EQ(refusal_of({.max_attempts = 0}),
            "flow f, node a: max_attempts 0 is out of range: use 1 to 1000");
  EXPECT_EQ(refusal_of({.max_attempts = 1001}),
            "flow f, node a: max_attempts 1001 is out of range: use 1 to 1000");
  EXPECT_EQ(refusal_of({.timeout = Duration{0}}),
            "flow f, node a: timeout has to be longer than nothing: leave it out for none");
  EXPECT_EQ(refusal_of({.timeout = Duration{-1}}),
            "flow f, node a: timeout has to be longer than nothing: leave it out for none");
}

TEST(FlowBuilder, ADeadlineIsAhead) {
  Flow flow("f");
  flow.gate("ask", {.ask = GateOptions::Ask::text, .deadline = Duration{-1}}) >>
      flow.gate("timer", {.ask = GateOptions::Ask::timer, .deadline = Duration{0}});
  EXPECT_EQ(refusal(flow),
            "flow f, node ask: its deadline has to be longer than nothing: leave it out for none\n"
            "flow f, node timer: its deadline has to be longer than nothing");
}

TEST(FlowBuilder, TimesAreNotForEver) {
  EXPECT_EQ(refusal_of({.timeout = Duration::max()}),
            "flow f, node a: timeout is longer than 100 years: leave it out for none");
  Flow flow("f", {.timeout = Duration::max()});
  flow.gate("ask", {.ask = GateOptions::Ask::text, .deadline = Duration::max()});
  EXPECT_EQ(refusal(flow),
            "flow f: timeout is longer than 100 years: leave it out for none\n"
            "flow f, node ask: its deadline is longer than 100 years: leave it out for none");
}

TEST(FlowBuilder, ParametersAreAnObject) {
  EXPECT_EQ(refusal_of({.params = 5}),
            "flow f, node a: params has to be an object of names and values, not 5");
  EXPECT_EQ(refusal_of({.params = json::object()}), "");
}

TEST(FlowBuilder, LimitsOfAFlowAreInRange) {
  Flow inner("inner", {.timeout = Duration{0}});
  inner.task("b", [] {});
  Flow flow("f", {.max_steps = 0, .max_visits = -1, .max_cycles = 0, .timeout = Duration{-1}});
  flow.run("a", inner);
  EXPECT_EQ(refusal(flow),
            "flow f: max_steps is 0: use at least 1, or leave it out\n"
            "flow f: max_visits is -1: use at least 1, or 0 for no such limit\n"
            "flow f: max_cycles is 0: use at least 1, or leave it out\n"
            "flow f: timeout has to be longer than nothing: leave it out for none\n"
            "flow f, node a: timeout has to be longer than nothing: leave it out for none");
  Flow usual("usual", {.max_visits = 0});
  usual.task("a", [] {});
  EXPECT_EQ(refusal(usual), "");
}

TEST(FlowBuilder, AtLeastIsOneOrMore) {
  for (const int need : {-1, 0}) {
    const std::string number = std::to_string(need);
    Flow flow("f");
    auto a = flow.task("a", [] {});
    auto b = flow.task("b", [] {}), c = flow.task("c", [] {}), d = flow.task("d", [] {});
    a >> (b | c).with(Policy::at_least(need), "g") >> d >>
        flow.map("each", "$.input", [](int) {}, {.policy = Policy::at_least(need)});
    EXPECT_EQ(refusal(flow), "flow f: group g: at_least is " + number +
                                 ": use at least 1, or the policy best_effort\n"
                                 "flow f, node each: map: at_least is " +
                                 number + ": use at least 1, or the policy best_effort");
  }
}

TEST(FlowBuilder, AMapIsOverSomething) {
  Flow inner("inner");
  inner.task("x", [] {});
  Flow flow("f");
  flow.map("a", "", [](int) {}) >> flow.map_jobs("b", "", "t") >> flow.map_runs("c", "", inner);
  const std::string rest = ": a map needs over: a path to a list, such as $.nodes.NAME.result";
  EXPECT_EQ(refusal(flow),
            "flow f, node a" + rest + "\nflow f, node b" + rest + "\nflow f, node c" + rest);
}

TEST(FlowBuilder, AnActionBehindAnArrowIsThatOfWhatFollows) {
  Flow flow("f");
  auto a = flow.task("a", [] {}), b = flow.task("b", [] {}), c = flow.task("c", [] {});
  a >> (b - "x") >> c;
  EXPECT_EQ(refusal(flow), "");
  Flow wrong("f");
  auto one = wrong.task("one", [] {}), two = wrong.task("two", [] {});
  one >> (two - "x");
  EXPECT_EQ(
      refusal(wrong),
      "flow f: the action \"x\" behind an arrow to node two is of the edges that begin there, "
      "and none does: an edge on that action of node one is (one - \"x\") >> two");
}

}  // namespace
}  // namespace penstock
