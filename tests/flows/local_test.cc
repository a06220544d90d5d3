// SPDX-License-Identifier: MIT
//
// Local nodes: they run where the one before them ended, and are nodes like any other.
#include "tests/flows/flow_fixture.h"

namespace penstock::testing {
namespace {

class LocalTest : public FlowTest {
 protected:
  /// A node behind another, whose every call is traced.
  template <class F>
  Run behind(F function, NodeOptions options) {
    Flow flow("behind");
    auto first = flow.task("first", [this] { trace_.add("first"); }, {}, {.params = {{"who", 1}}});
    options.local = true;
    first >> flow.task(
                 "local",
                 [this, function](Shared& shared) {
                   trace_.add("local");
                   return function(shared);
                 },
                 {}, options);
    work({flow});
    return run(flow);
  }
};
INSTANTIATE_TEST_SUITE_P(Stores, LocalTest, ::testing::ValuesIn(flow_stores()), flow_store_name);

TEST_P(LocalTest, ALocalStepRunsWhereTheOneBeforeItEnded) {
  Flow flow("local");
  auto a = flow.task("a", [](Shared& shared) { return shared.set("x", 1), 5; });
  auto b = flow.task("b", [](int n, Shared& shared) { return n + shared.at("x").get<int>(); },
                     {"a"}, {.local = true});
  auto c = flow.task("c", [](int n) { return n * 2; }, {"b"}, {.local = true});
  a >> b >> c;
  const Run ended = run(flow);
  EXPECT_EQ(ended.state, "succeeded") << ended.error;
  EXPECT_EQ(ended.output, "12");
  EXPECT_EQ(node("a").job, node("c").job);
}

TEST_P(LocalTest, WhatALocalStepSetsReplacesWhatTheOneBeforeItAddedAndAppended) {
  Flow flow("replaces");
  auto a = flow.task("a", [](Shared& shared) {
    shared.add("n", 3);
    shared.append("list", 1);
  });
  auto b = flow.task("b",
                     [](Shared& shared) {
                       shared.set("n", 10);
                       shared.set("list", "none");
                     },
                     {}, {.local = true});
  a >> b;
  EXPECT_EQ(run(flow).state, "succeeded");
  EXPECT_EQ(client_.shared(id_).value(),
            (std::map<std::string, std::string>{{"n", "10"}, {"list", "\"none\""}}));
}

TEST_P(LocalTest, HasItsOwnParametersAndNoIterationOfTheOneBefore) {
  Flow flow("own");
  auto first = flow.task("first",
                         [](Shared& shared) {
                           if (shared.iteration().is_null()) shared.next_iteration(7);
                         },
                         {}, {.params = {{"who", "first"}}});
  first >> flow.task("local",
                     [](Shared& shared) {
                       return json{shared.params().at("who"), shared.iteration()};
                     },
                     {}, {.local = true, .params = {{"who", "local"}}});
  EXPECT_EQ(run(flow).output, R"(["local",null])");
}

TEST_P(LocalTest, MayNotBeTriedAgainWhenItSaysSo) {
  const auto fails = [](Shared&) -> int { throw std::runtime_error("broken"); };
  Run ended = behind(fails, {.max_attempts = 1});
  EXPECT_EQ(ended.error, "node local#1: broken");
  EXPECT_EQ(trace_.joined(), "first local");
  trace_.clear();
  ended = behind([](Shared&) -> int { throw NoRetry("never"); }, {});
  EXPECT_EQ(ended.error, "node local#1: never");
  EXPECT_EQ(trace_.joined(), "first local");
  trace_.clear();
  ended = behind([](Shared&) { return std::string(2'000'000, 'x'); }, {});
  EXPECT_NE(ended.error.find("the limit is 1048576"), ended.error.npos) << ended.error;
  EXPECT_EQ(trace_.joined(), "first local");
}

TEST_P(LocalTest, BecomesAJobOfItsOwnWhenItFailsAndTheNodeBeforeItIsNotRunAgain) {
  std::atomic<int> calls{0};
  const Run ended = behind(
      [&calls](Shared& shared) {
        if (!shared.try_lock("mine")) throw std::runtime_error("its own lock is taken");
        shared.set("tries", ++calls);
        if (calls == 1) throw 5;
        return calls.load();
      },
      {});
  EXPECT_EQ(ended.output, "2") << ended.error;
  EXPECT_EQ(trace_.joined(), "first local local");
  EXPECT_EQ(shared("tries"), 2);
}

TEST_P(LocalTest, IsNotTriedAgainAfterACancelOfItsOwn) {
  Flow flow("cancels");
  auto local = flow.task("local",
                         [this] {
                           trace_.add("local");
                           throw Cancel("not wanted");
                         },
                         {}, {.local = true});
  flow.task("begin", [] {}) >> local;
  const Run ended = run(flow);
  EXPECT_EQ(ended.state, "failed");
  EXPECT_NE(ended.error.find("not wanted"), std::string::npos) << ended.error;
  EXPECT_EQ(trace_.count("local"), 1);
}

TEST(Local, HasNoTimeOut) {
  Flow flow("late");
  flow.task("first", [] {}) >>
      flow.task("local", [] {}, {}, {.timeout = Duration{10}, .local = true});
  const auto checked = flow.check();
  ASSERT_FALSE(checked);
  EXPECT_NE(checked.error().message.find("a local node has no time-out"), std::string::npos);
}

}  // namespace
}  // namespace penstock::testing
