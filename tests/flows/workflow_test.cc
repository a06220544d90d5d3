// SPDX-License-Identifier: MIT
//
// Workflows: fan-out and fan-in, maps, dynamic steps.
#include "tests/flows/flow_fixture.h"
#include "tests/flows/three_steps.h"

namespace penstock::testing {
namespace {

using Workflow = FlowTest;
INSTANTIATE_TEST_SUITE_P(Stores, Workflow, ::testing::ValuesIn(flow_stores()), flow_store_name);

TEST_P(Workflow, AJoinRunsOnceAfterAllItsParentsWithTheirResults) {
  Flow flow("diamond");
  auto split = flow.task("split", [] { return 2; });
  auto a = flow.task("a", [](int n) { return n + 1; }, {"split"});
  auto b = flow.task("b", [](int n) { return n * 10; }, {"split"});
  auto c = flow.task("c", [](int n) { return -n; }, {"split"});
  auto sum = flow.task("sum", [this](int x, int y, int z) { return trace_.add("sum"), x + y + z; },
                       {"a", "b", "c"});
  split >> (a | b | c) >> sum;
  const Run ended = run(flow);
  EXPECT_EQ(ended.state, "succeeded") << ended.error;
  EXPECT_EQ(ended.output, "21");
  EXPECT_EQ(trace_.count("sum"), 1);
}

TEST_P(Workflow, OneTaskSeveralTimesInAGroupIsSeveralInstances) {
  Flow flow("thrice");
  auto split = flow.task("split", [] { return 1; });
  auto work = flow.task("work", [](Shared& shared) { shared.add("runs", 1); });
  auto done = flow.task("done", [](Shared& shared) { return shared.at("runs"); });
  split >> (work | work | work) >> done;
  const Run ended = run(flow);
  EXPECT_EQ(ended.state, "succeeded") << ended.error;
  EXPECT_EQ(ended.output, "3");
  EXPECT_EQ(node("work_3").state, "succeeded");
}

TEST_P(Workflow, AnUntakenBranchDoesNotBlockAJoin) {
  Flow flow("branches");
  struct Decide : Node {
    std::string post(Shared&, const json&, const json&) override { return "left"; }
  };
  auto decide = flow.node("decide", Decide{});
  auto left = flow.task("left", [this] { trace_.add("left"); });
  auto right = flow.task("right", [this] { trace_.add("right"); });
  auto further = flow.task("further", [this] { trace_.add("further"); });
  auto join = flow.task("join", [this] { trace_.add("join"); });
  decide.on("left") >> left >> join;
  decide.on("right") >> right >> further >> join;
  const Run ended = run(flow);
  EXPECT_EQ(ended.state, "succeeded") << ended.error;
  EXPECT_EQ(trace_.joined(), "left join");
  EXPECT_EQ(node("further").state, "skipped");
}

TEST_P(Workflow, JoinAnyRunsWithTheFirstOfItsInputs) {
  Flow flow("any");
  auto split = flow.task("split", [] {});
  auto a = flow.task("a", [] {}), b = flow.task("b", [] {});
  auto first = flow.task("first", [this] { trace_.add("first"); }, {}, {.join = 1});
  split >> (a | b) >> first;
  EXPECT_EQ(run(flow).state, "succeeded");
  EXPECT_EQ(trace_.count("first"), 1);
}

TEST_P(Workflow, AMissingParameterIsAnErrorThatNamesTaskAndParameter) {
  Flow flow("bindings");
  flow.task("needy", [](int n) { return n; }, {"absent"});
  const Run ended = run(flow);
  EXPECT_EQ(ended.state, "failed");
  EXPECT_NE(ended.error.find("task needy: parameter \"absent\""), std::string::npos) << ended.error;
}

TEST_P(Workflow, AParameterOfAnotherTypeIsNamedWithItsTaskAndFailsAtOnce) {
  Flow flow("typed");
  flow.task("load", [](int rows) { return rows; }, {"rows"}, {.max_attempts = 3});
  Flow maps("maps");
  maps.map("each", "$.input.list", [](const std::string& one) { return one; });
  work({flow, maps});
  EXPECT_NE(run(flow, {{"rows", "abc"}})
                .error.find("task load: parameter \"rows\" must be a whole number, but is text "
                            "\"abc\""),
            std::string::npos)
      << client_.find_run(id_)->error;
  EXPECT_EQ(node("load").attempt, 1);
  EXPECT_NE(run(maps, {{"list", json::array({"a", {{"b", 1}}})}})
                .error.find("task each: its item must be text, but is an object"),
            std::string::npos)
      << client_.find_run(id_)->error;
}

TEST_P(Workflow, AnyWorkerOfThePoolTakesAStepAndNoOther) {
  Flow flow("pools");
  auto a = flow.task("a", [] { return 1; });
  auto b = flow.task("b", [] { return 2; }, {}, {.pool = "gpu"});
  a >> b;
  work({flow});
  id_ = client_.run(flow, json::object()).value();
  await(id_, "a", "succeeded");
  EXPECT_EQ(node("b").state, "ready");
  work({flow}, {.pools = {"gpu"}, .name = "with-gpu"});
  EXPECT_EQ(wait(id_).state, "succeeded");
  EXPECT_EQ(node("b").worker, "with-gpu");
}

TEST_P(Workflow, NodesCanAskForOthersBesideOrInsteadOfTheirEdges) {
  Flow flow("dynamic");
  auto a = flow.task("a", [](Shared& shared) { shared.next_task("extra"); });
  auto b = flow.task("b", [this](Shared& shared) {
    trace_.add("b");
    shared.next_task("c", true);
  });
  auto c = flow.task("c", [this] { trace_.add("c"); });
  auto d = flow.task("d", [this] { trace_.add("d"); });
  auto extra = flow.task("extra", [this] { trace_.add("extra"); });
  a >> b >> d >> c;
  d.on("never") >> extra;
  const Run ended = run(flow);
  EXPECT_EQ(ended.state, "succeeded") << ended.error;
  EXPECT_EQ(trace_.count("extra"), 1);
  EXPECT_EQ(trace_.count("c"), 1);
  EXPECT_EQ(trace_.count("d"), 0);
}

// Runs `most` times more in each of its turns.
struct Asks : Node {
  Asks(int most_, int turns_) : most(most_), turns(turns_) {}
  std::string post(Shared& shared, const json&, const json&) override {
    shared.add("turns", 1);
    const json before = shared.iteration();
    const int n = before.is_null() ? 0 : before.get<int>();
    if (n < most) {
      shared.next_iteration(n + 1);
      return "default";
    }
    return shared.at("turns").get<int>() < turns * (most + 1) ? "again" : "default";
  }
  int most, turns;
};

TEST_P(Workflow, AnIterationRunsTheNodeAgainUpToTheLimit) {
  Flow flow("cycles", {.max_cycles = 5});
  flow.task("step", [this](Shared& shared) {
    const json before = shared.iteration();
    const int n = before.is_null() ? 1 : before.get<int>();
    trace_.add(std::to_string(n));
    if (n < shared.input().at("turns").get<int>()) shared.next_iteration(n + 1);
    return n;
  });
  EXPECT_EQ(run(flow, {{"turns", 4}}).output, "4");
  EXPECT_EQ(trace_.joined(), "1 2 3 4");
  EXPECT_EQ(run(flow, {{"turns", 6}}).output, "6");
  const Run ended = run(flow, {{"turns", 7}});
  EXPECT_EQ(ended.state, "failed");
  EXPECT_NE(ended.error.find("it asked for another turn 6 times, max_cycles is 5"),
            std::string::npos)
      << ended.error;
}

TEST_P(Workflow, ANodeThatGoesOnCanAskForAnotherToo) {
  Flow flow("both", {.max_cycles = 2});
  auto step = flow.task("step", [](Shared& shared) {
    const int n = shared.iteration().is_null() ? 1 : 2;
    if (n == 1) shared.next_iteration(2);
    if (n == 1) shared.next_task("beside");
    return n;
  });
  (step - "never") >> flow.task("beside", [this] { trace_.add("beside"); });
  EXPECT_EQ(run(flow).state, "succeeded");
  EXPECT_EQ(trace_.count("beside"), 1);
  EXPECT_EQ(node("step", 2).state, "succeeded");
}

TEST_P(Workflow, IterationsAreCountedInARowAndTurnsOfALoopAroundThemAreNot) {
  Flow flow("around", {.max_cycles = 2});
  auto step = flow.node("step", Asks(2, 4));
  (step - "again") >> step;
  EXPECT_EQ(run(flow).state, "succeeded") << client_.find_run(id_)->error;
  EXPECT_EQ(shared("turns"), 12);
}

TEST_P(Workflow, TerminateEndsTheRunAndCancelCancelsIt) {
  const auto ending = [this](bool cancels) {
    Flow flow("ends");
    auto a = flow.task("a", [cancels](Shared& shared) {
      if (cancels) shared.cancel("enough");
      if (!cancels) shared.terminate("enough");
      return 7;
    });
    a >> flow.task("b", [this] { trace_.add("b"); });
    work({flow});
    return run(flow);
  };
  Run ended = ending(false);
  EXPECT_EQ(ended.state, "succeeded");
  EXPECT_EQ(ended.output, "7");
  ended = ending(true);
  EXPECT_EQ(ended.state, "cancelled");
  EXPECT_EQ(ended.error, "enough");
  EXPECT_EQ(trace_.count("b"), 0);
}

TEST_P(Workflow, ParallelBranchesLoseNothingThatTheyAddOrAppend) {
  Flow flow("commute");
  auto split = flow.task("split", [] {});
  auto done = flow.task("done", [](Shared& shared) { return shared.at("list").size(); });
  for (int i = 0; i < 40; ++i) {
    auto branch = flow.task("b" + std::to_string(i), [i](Shared& shared) {
      shared.add("sum", i);
      shared.add("real", 0.5);
      shared.append("list", i);
    });
    split >> branch >> done;
  }
  const Run ended = run(flow);
  EXPECT_EQ(ended.state, "succeeded") << ended.error;
  EXPECT_EQ(ended.output, "40");
  EXPECT_EQ(shared("sum"), 780);
  EXPECT_EQ(shared("real"), 20);
}

TEST_P(Workflow, AFanOutThatIsTooWideForOneStepIsFinishedInSeveral) {
  Flow flow("wide");
  auto split = flow.task("split", [] {});
  auto done = flow.task("done", [](Shared& shared) { return shared.at("n"); });
  for (int i = 0; i < 700; ++i) {
    split >> flow.task("b" + std::to_string(i), [](Shared& shared) { shared.add("n", 1); }) >> done;
  }
  const Run ended = run(flow);
  EXPECT_EQ(ended.state, "succeeded") << ended.error;
  EXPECT_EQ(ended.output, "700");
}

TEST_P(Workflow, RunsSideBySideDoNotSeeEachOther) {
  Flow flow("isolated");
  auto a = flow.task("a", [](Shared& shared) { shared.set("mine", shared.at("who")); });
  a >> flow.task("b", [](Shared& shared) { return shared.at("mine"); });
  work({flow});
  std::vector<RunId> ids;
  for (int i = 0; i < 200; ++i) ids.push_back(client_.run(flow, json{{"who", i}}).value());
  for (int i = 0; i < 200; ++i) {
    EXPECT_EQ(wait(ids[static_cast<std::size_t>(i)]).output, std::to_string(i));
  }
}

TEST_P(Workflow, TheOutputIsThatOfWhatEndedLastWhenAJoinNeverFires) {
  Flow flow("given_up");
  const auto stops = [](Shared& shared) {
    shared.add("ended", 1);
    return "no";
  };
  auto begin = flow.task("begin", [] {});
  auto left = flow.node("left", acting(stops)), right = flow.node("right", acting(stops));
  auto last = flow.task("last", [](Shared& shared) {
    if (shared.get_or("ended", 0) < 2) throw Snooze(Duration{1});
    return "last";
  });
  begin >> (left | right | last) >> flow.task("join", [] { return "join"; }, {}, {.join = 2});
  EXPECT_EQ(run(flow).output, "\"last\"");
}

}  // namespace
}  // namespace penstock::testing
