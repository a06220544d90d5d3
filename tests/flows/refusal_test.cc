// SPDX-License-Identifier: MIT
//
// What nodes ask for and cannot have, and runs that reach their bounds.
#include "tests/flows/flow_fixture.h"
#include "tests/flows/three_steps.h"

namespace penstock::testing {
namespace {

/// Nodes ask for what cannot be until the test sets `mended_`.
class Refusal : public FlowTest {
 protected:
  ~Refusal() override { stop(); }
  // Appends to "got" and then asks, or ends with an action.
  auto asking(std::function<std::string(Shared&)> ask) {
    return acting([this, ask = std::move(ask)](Shared& shared) -> std::string {
      shared.append("got", 1);
      return mended_ ? "default" : ask(shared);
    });
  }
  void expect_once_after_retry(const Flow& flow, const std::string& node_name) {
    EXPECT_EQ(run(flow).state, "failed");
    EXPECT_EQ(node(node_name).state, "failed");
    EXPECT_FALSE(has("got"));
    mended_ = true;
    client_.retry_run(id_).value();
    EXPECT_EQ(wait(id_).state, "succeeded");
    EXPECT_EQ(shared("got"), json({1}));
  }

  std::atomic<bool> mended_{false};
};
INSTANTIATE_TEST_SUITE_P(Stores, Refusal, ::testing::ValuesIn(flow_stores()), flow_store_name);

TEST_P(Refusal, ANodeThatAsksForAnUnknownOneFailsAndARetryDoesItOnce) {
  Flow flow("unknown");
  flow.node("asks", asking([](Shared& shared) { return shared.next_task("none"), "default"; }));
  expect_once_after_retry(flow, "asks");
}

TEST_P(Refusal, AnActionWithoutAnEdgeFailsTheNodeWhenToldToAndARetryGoesOn) {
  Flow flow("missing", {.fail_on_missing = true});
  auto asks = flow.node("asks", asking([](Shared&) { return "lost"; }));
  auto first = flow.task("first", [] {});
  first >> asks >> flow.task("behind", [this] { trace_.add("behind"); });
  first >> flow.task("beside", [] {}) >> flow.task("more", [this] { trace_.add("more"); });
  expect_once_after_retry(flow, "asks");
  EXPECT_EQ(trace_.count("behind"), 1);
  EXPECT_EQ(trace_.count("more"), 1);
}

TEST_P(Refusal, AnItemThatAsksForOtherStepsFails) {
  Flow flow("items");
  auto item = [this](int n, Shared& shared) {
    shared.add("sum", n);
    if (n == 2 && !mended_) shared.next_task("after");
  };
  flow.map("each", "$.input.list", item) >> flow.task("after", [] {});
  EXPECT_EQ(run(flow, {{"list", {1, 2, 3}}}).state, "failed");
  mended_ = true;
  client_.retry_run(id_).value();
  EXPECT_EQ(wait(id_).state, "succeeded");
  EXPECT_EQ(shared("sum"), 6);
}

TEST_P(Refusal, ATurnBeyondMaxCyclesFailsAndARetryDoesItOnce) {
  Flow flow("turns", {.max_cycles = 1});
  flow.node("asks", acting([this](Shared& shared) {
              const json turn = shared.iteration();
              shared.append("got", turn.is_null() ? 0 : turn.get<int>());
              if (!mended_) shared.next_iteration(1);
              return "default";
            }));
  EXPECT_EQ(run(flow).state, "failed");
  EXPECT_EQ(shared("got"), json({0}));
  mended_ = true;
  client_.retry_run(id_).value();
  EXPECT_EQ(wait(id_).state, "succeeded");
  EXPECT_EQ(shared("got"), json({0, 1}));
}

TEST_P(Refusal, AGateWhoseAnswerHasNoEdgeAsksAgainAfterARetry) {
  Flow flow("gate", {.fail_on_missing = true});
  flow.gate("ask", {}).on("approved") >> flow.task("behind", [] {});
  work({flow});
  id_ = client_.run(flow, json::object()).value();
  await(id_, "ask", "waiting");
  client_.signal(id_, "ask", "false").value();
  EXPECT_EQ(wait(id_).state, "failed");
  client_.retry_run(id_).value();
  await(id_, "ask", "waiting");
  client_.signal(id_, "ask", "true").value();
  EXPECT_EQ(wait(id_).state, "succeeded");
}

TEST_P(Refusal, AFlowInsideWhoseActionHasNoEdgeFailsAgainAndRunsNothingTwice) {
  Flow inner("inner"), flow("outer", {.fail_on_missing = true});
  inner.node("one", acting([](Shared& shared) { return shared.add("ran", 1), "lost"; }));
  flow.flow("inside", inner) >> flow.task("behind", [this] { trace_.add("behind"); });
  EXPECT_EQ(run(flow).state, "failed");
  for (int retries = 0; retries < 2; ++retries) {
    client_.retry_run(id_).value();
    const Run again = wait(id_);
    EXPECT_EQ(again.state, "failed");
    EXPECT_NE(again.error.find("\"lost\", which has no edge"), std::string::npos) << again.error;
  }
  EXPECT_EQ(shared("ran"), 1);
  EXPECT_EQ(trace_.count("behind"), 0);
}

TEST_P(Refusal, ARunThatHasReachedABoundIsNotRetriedBeyondIt) {
  for (const FlowOptions& options : {FlowOptions{.max_steps = 2}, FlowOptions{.max_visits = 2}}) {
    Flow flow("bounded", options);
    auto turn = flow.node("turn", acting([](Shared& shared) {
                            shared.add("turns", 1);
                            return shared.get_or("turns", 0) < 4 ? "again" : "default";
                          }));
    turn.on("again") >> turn;
    flow.start(turn);
    work({flow});
    EXPECT_EQ(run(flow).state, "failed");
    const auto refused = client_.retry_run(id_);
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::conflict);
    EXPECT_NE(refused.error().message.find("which is max_"), std::string::npos)
        << refused.error().message;
    EXPECT_EQ(client_.find_run(id_).value().state, "failed");
    EXPECT_EQ(shared("turns"), 2);
  }
}

TEST_P(Refusal, EachTurnThatANodeAskedForIsUndoneAndSoIsOneThatAskedForAnotherInstead) {
  Flow flow("undone");
  const auto undo = [](Shared& shared) { shared.append("undone", *shared.result("turns")); };
  auto turns = flow.node("turns",
                         [] {
                           Step step;
                           step.prepares = [](Shared& shared) {
                             const json turn = shared.iteration();
                             return turn.is_null() ? json(1) : turn;
                           };
                           step.executes = [](const json& turn) { return turn; };
                           step.posts = [](Shared& shared, const json& turn, const json&) {
                             if (turn < 3) shared.next_iteration(turn.get<int>() + 1);
                             return "default";
                           };
                           return step;
                         }())
                   .undo(undo);
  auto other = flow.task("other", [](Shared& shared) { shared.next_task("bad", true); })
                   .undo([](Shared& shared) { shared.append("undone", "other"); });
  turns >> other >> flow.task("replaced", [] {});
  other.on("bad") >> flow.task("bad", [] { throw NoRetry("bad"); });
  EXPECT_EQ(run(flow).state, "compensated");
  EXPECT_EQ(shared("undone"), json({"other", 3, 2, 1}));
}

TEST_P(Refusal, AGroupThatLacksMembersWhichCannotRunAgainIsNotLetThroughByARetry) {
  Flow flow("group");
  auto first = flow.task("first", [] {});
  auto leaves = flow.node("leaves", acting([](Shared&) { return "elsewhere"; }));
  auto stays = flow.task("stays", [] {});
  first >> (leaves | stays).with(Policy::at_least(2)) >> flow.task("behind", [] {});
  leaves.on("elsewhere") >> flow.task("else", [] {});
  EXPECT_EQ(run(flow).state, "failed");
  const auto refused = client_.retry_run(id_);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("only 1 of the nodes before behind succeeded"),
            std::string::npos)
      << refused.error().message;
}

TEST_P(Refusal, AListThatIsShorterThanWhatHasToSucceedFailsTheMapBeforeItsItems) {
  Flow flow("short");
  flow.map("each", "$.input.list", [this](int) { trace_.add("item"); },
           {.policy = Policy::at_least(2)});
  work({flow});
  for (const json& list : {json::array(), json({1})}) {
    const Run ended = run(flow, {{"list", list}});
    EXPECT_EQ(ended.state, "failed");
    EXPECT_NE(ended.error.find("and 2 have to succeed"), std::string::npos) << ended.error;
  }
  EXPECT_EQ(trace_.count("item"), 0);
}

}  // namespace
}  // namespace penstock::testing
