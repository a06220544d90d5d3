// SPDX-License-Identifier: MIT
//
// Groups of nodes of which some may fail, and who judges that.
#include "tests/flows/flow_fixture.h"
#include "tests/flows/three_steps.h"

#include <future>

namespace penstock::testing {
namespace {

// Three members, of which `bad` fail.
class Policies : public FlowTest {
 protected:
  Run judge(const Policy& policy, int bad) {
    Flow flow("group");
    auto split = flow.task("split", [] {});
    std::vector<Nodes> members;
    for (int i = 0; i < 3; ++i) {
      members.push_back(flow.task("m" + std::to_string(i), [i, bad]() -> int {
        if (i < bad) throw NoRetry("bad");
        return i;
      }));
    }
    auto after = flow.task("after", [this] { trace_.add("after"); });
    split >> (members[0] | members[1] | members[2]).with(policy) >> after;
    work({flow});
    return run(flow);
  }
};
INSTANTIATE_TEST_SUITE_P(Stores, Policies, ::testing::ValuesIn(flow_stores()), flow_store_name);

TEST_P(Policies, StrictFailsWithTheFirstFailure) {
  EXPECT_EQ(judge(Policy::strict(), 1).state, "failed");
  EXPECT_EQ(trace_.count("after"), 0);
}
TEST_P(Policies, BestEffortGoesOnWhateverFails) {
  EXPECT_EQ(judge(Policy::best_effort(), 3).state, "succeeded");
  EXPECT_EQ(trace_.count("after"), 1);
  EXPECT_EQ(node("m2").state, "failed");
}
TEST_P(Policies, AtLeastNeedsSoMany) {
  EXPECT_EQ(judge(Policy::at_least(2), 1).state, "succeeded");
  const Run ended = judge(Policy::at_least(2), 2);
  EXPECT_EQ(ended.state, "failed");
  EXPECT_NE(ended.error.find("only 1 of the nodes"), std::string::npos) << ended.error;
}
TEST_P(Policies, CriticalFailsOnlyWithACriticalMember) {
  EXPECT_EQ(judge(Policy::critical({"m2"}), 2).state, "succeeded");
  EXPECT_EQ(judge(Policy::critical({"m0"}), 1).state, "failed");
}

TEST_P(Policies, AMapIsAMemberLikeAnyOther) {
  for (const bool tolerant : {false, true}) {
    Flow flow("maps");
    auto list = flow.task("list", [] { return json({1, 2, 3, 4}); });
    const auto odd = [](int i) {
      if (i % 2 == 0) throw NoRetry("even");
      return i;
    };
    auto map = flow.map("map", "$.nodes.list.result", odd,
                        {.policy = tolerant ? Policy::at_least(2) : Policy::at_least(3)});
    auto one = flow.task("one", [] { return 1; });
    auto after = flow.task("after", [](int n) { return n; }, {"one"});
    list >> (map | one).with(Policy::best_effort()) >> after;
    work({flow});
    const Run ended = run(flow);
    EXPECT_EQ(ended.state, "succeeded") << ended.error;
    EXPECT_EQ(ended.output, "1");
    EXPECT_EQ(node("map").state, tolerant ? "succeeded" : "failed");
    EXPECT_EQ(node("map").error, tolerant ? "" : "2 of 4 items failed");
  }
}

TEST_P(Policies, ARetryRunsTheFailedMembersAgainAndTheGroupIsJudgedAnew) {
  std::atomic<int> tries{0};
  Flow flow("again");
  auto split = flow.task("split", [] {});
  const auto fails_twice = [&tries] {
    if (++tries <= 2) throw NoRetry("not yet");
    return 1;
  };
  auto good = flow.task("good", [this] { return trace_.add("good"), 0; });
  auto bad = flow.task("bad", fails_twice);
  split >> (good | bad).with(Policy::at_least(2)) >>
      flow.task("after", [](int a, int b) { return a + b; }, {"good", "bad"});
  work({flow});
  EXPECT_EQ(run(flow).state, "failed");
  EXPECT_EQ(node("after").state, "");
  EXPECT_TRUE(client_.retry_run(id_));
  EXPECT_EQ(wait(id_).state, "failed");
  EXPECT_TRUE(client_.retry_run(id_));
  const Run ended = wait(id_);
  EXPECT_EQ(ended.state, "succeeded") << ended.error;
  EXPECT_EQ(ended.output, "1");
  EXPECT_EQ(trace_.count("good"), 1);
  EXPECT_EQ(tries, 3);
}

TEST_P(Policies, JoinAnyWaitsForOneThatHasSucceeded) {
  std::promise<void> has_failed;
  Flow flow("any");
  auto split = flow.task("split", [] {});
  auto bad = flow.task("bad", []() -> int { throw NoRetry("bad"); });
  auto good = flow.task("good", [failed = has_failed.get_future().share()] {
    failed.wait_for(flow_patience);
    return 1;
  });
  auto after =
      flow.task("after", [](const json& good_said) { return good_said; }, {"good"}, {.join = 1});
  split >> (bad | good).with(Policy::best_effort()) >> after;
  work({flow});
  id_ = client_.run(flow, json::object()).value();
  await(id_, "bad", "failed");
  EXPECT_EQ(node("after").state, "");
  has_failed.set_value();
  EXPECT_EQ(wait(id_).output, "1");
}

TEST_P(Policies, AGroupThatIsNotTakenIsSkipped) {
  Flow flow("skips");
  auto split = flow.task("split", [] {});
  auto one = flow.task("one", [] {}), two = flow.task("two", [] {});
  split.on("never") >> one;
  split.on("never") >> two;
  split >> flow.task("other", [] {});
  (one | two).with(Policy::at_least(1)) >> flow.task("after", [] {});
  const Run ended = run(flow);
  EXPECT_EQ(ended.state, "succeeded") << ended.error;
  EXPECT_EQ(node("after").state, "skipped");
}

TEST(Groups, ThatNobodyCouldJudgeOrTolerateAreRefused) {
  Flow inner("inner");
  inner.task("x", [] {});
  Flow flow("refused");
  auto split = flow.task("split", [] {});
  split >> (flow.task("one", [] {}) | flow.flow("two", inner)).with(Policy::at_least(1));
  const auto checked = flow.check();
  ASSERT_FALSE(checked);
  const std::string& told = checked.error().message;
  EXPECT_NE(told.find("no node waits for so many of them"), told.npos) << told;
  EXPECT_NE(told.find("make it a run of its own"), told.npos) << told;
}

TEST_P(Policies, AMemberThatEndsAfterTheJoinIsNotTheOutput) {
  for (const bool fails : {false, true}) {
    auto open = std::make_shared<std::promise<void>>();
    const std::shared_future<void> joined = open->get_future().share();
    Flow flow("late");
    auto split = flow.task("split", [] {});
    auto a = flow.task("a", [] { return "a"; }), b = flow.task("b", [] { return "b"; });
    auto c = flow.task("c", [joined, fails] {
      joined.wait_for(flow_patience);
      if (fails) throw NoRetry("late");
      return "c";
    });
    split >> (a | b | c).with(Policy::best_effort()) >>
        flow.task("join", [] { return "joined"; }, {}, {.join = 2});
    work({flow});
    id_ = client_.run(flow, json::object()).value();
    await(id_, "join", "succeeded");
    open->set_value();
    const Run ended = wait(id_);
    EXPECT_EQ(ended.state, "succeeded");
    EXPECT_EQ(ended.output, "\"joined\"") << fails;
  }
}

TEST_P(Policies, ABatchThatARetryRunsAgainHasTheListOfThatTry) {
  struct Batch : BatchNode {
    std::atomic<int>* tries = nullptr;
    json prep(Shared&) override { return ++*tries == 1 ? json({1, 2, 3}) : json({4, 5}); }
    json exec(const json& n) override {
      if (n == 2) throw NoRetry("two");
      return n;
    }
  };
  std::atomic<int> tries{0};
  Batch batch;
  batch.tries = &tries;
  Flow flow("again");
  auto first = flow.task("first", [] {});
  auto members = flow.node("batch", batch) | flow.task("other", [] {});
  first >> members.with(Policy::at_least(2)) >>
      flow.task("after", [](const json& all) { return all; }, {"batch"});
  EXPECT_EQ(run(flow).state, "failed");
  client_.retry_run(id_).value();
  EXPECT_EQ(wait(id_).output, "[4,5]");
  for (const RunNode& one : client_.find_run(id_).value().nodes) {
    EXPECT_NE(one.state, "failed") << one.node;
  }
  stop();
}

TEST_P(Policies, AMemberThatLeadsToItsJudgeBySeveralEdgesIsRunOnceByARetry) {
  Flow flow("edges");
  std::atomic<bool> mended{false};
  auto begin = flow.task("begin", [] {});
  auto one = flow.node("one", acting([&mended](Shared& shared) {
                         if (!mended) throw NoRetry("not yet");
                         shared.add("ones", 1);
                         return "default";
                       }));
  auto judge = flow.task("judge", [](Shared& shared) { shared.add("judged", 1); });
  begin >> (one | flow.task("other", [] {})).with(Policy::at_least(2)) >> judge;
  one.on("too") >> judge;
  EXPECT_EQ(run(flow).state, "failed");
  mended = true;
  client_.retry_run(id_).value();
  EXPECT_EQ(wait(id_).state, "succeeded");
  EXPECT_EQ(shared("ones"), 1);
  EXPECT_EQ(shared("judged"), 1);
}

}  // namespace
}  // namespace penstock::testing
