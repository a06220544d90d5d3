// SPDX-License-Identifier: MIT
//
// Gates: waiting for an answer or a time without holding a slot.
#include "tests/flows/flow_fixture.h"

namespace penstock::testing {
namespace {

class GateTest : public FlowTest {
 protected:
  // A gate, and a node for each action.
  RunId open(GateOptions gate, const std::vector<std::string>& actions) {
    Flow flow("gated");
    auto before = flow.task("before", [] {});
    auto asks = flow.gate("ask", std::move(gate));
    before >> asks;
    for (const std::string& action : actions) {
      asks.on(action) >> flow.task("on_" + action, [this, action] { trace_.add(action); });
    }
    work({flow});
    id_ = client_.run(flow, json::object()).value();
    await(id_, "ask", "waiting");
    return id_;
  }
};
INSTANTIATE_TEST_SUITE_P(Stores, GateTest, ::testing::ValuesIn(flow_stores()), flow_store_name);

using Ask = GateOptions::Ask;

TEST_P(GateTest, AnApprovalIsAnsweredOnce) {
  open({.ask = Ask::approval, .prompt = "Load?"}, {"approved", "rejected"});
  EXPECT_EQ(client_.find_run(id_)->state, "waiting");
  EXPECT_EQ(node("ask").waits_for, "approval");
  EXPECT_EQ(client_.signal(id_, "ask", "\"maybe\"").error().code, Errc::invalid);
  client_.signal(id_, "ask", "true", "ada").value();
  EXPECT_EQ(client_.signal(id_, "ask", "false").error().code, Errc::conflict);
  EXPECT_EQ(wait(id_).state, "succeeded");
  EXPECT_EQ(trace_.joined(), "approved");
  EXPECT_EQ(client_.signal(id_, "before", "true").error().code, Errc::not_found);
}

TEST_P(GateTest, TextSelectionsAndCustomAnswersBecomeTheResult) {
  open({.ask = Ask::text}, {"default"});
  EXPECT_EQ(client_.signal(id_, "ask", "5").error().code, Errc::invalid);
  client_.signal(id_, "ask", "\"hello\"").value();
  EXPECT_EQ(wait(id_).state, "succeeded");
  open({.ask = Ask::selection, .choices = {"red", "blue"}}, {"red", "blue"});
  EXPECT_EQ(client_.signal(id_, "ask", "\"green\"").error().code, Errc::invalid);
  client_.signal(id_, "ask", "\"blue\"").value();
  EXPECT_EQ(wait(id_).state, "succeeded");
  open({.ask = Ask::selections, .choices = {"a", "b", "c"}}, {"default"});
  EXPECT_EQ(client_.signal(id_, "ask", R"(["a","d"])").error().code, Errc::invalid);
  client_.signal(id_, "ask", R"(["a","c"])").value();
  EXPECT_EQ(wait(id_).state, "succeeded");
  open({.ask = Ask::event}, {"default", "special"});
  client_.signal(id_, "ask", R"({"$action":"special","n":1})").value();
  EXPECT_EQ(wait(id_).state, "succeeded");
  EXPECT_EQ(trace_.joined(), "default blue default special");
}

TEST_P(GateTest, ADeadlineAnswersByItself) {
  open({.ask = Ask::approval, .deadline = Duration{300}}, {"approved", "timed_out"});
  EXPECT_EQ(wait(id_).state, "succeeded");
  EXPECT_EQ(trace_.joined(), "timed_out");
  EXPECT_FALSE(client_.signal(id_, "ask", "true"));
}

TEST_P(GateTest, AnAnswerAfterTheDeadlineIsRefusedThoughNobodyWasThereToSeeItPass) {
  open({.ask = Ask::approval, .deadline = Duration{300}}, {"approved", "timed_out"});
  stop();
  EXPECT_EQ(client_.wait_run(id_, Duration{400}).error().code, Errc::timed_out);
  const auto late = client_.signal(id_, "ask", "true");
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Errc::conflict);
  EXPECT_NE(late.error().message.find("timed out"), std::string::npos) << late.error().message;
}

TEST_P(GateTest, WhoLooksAtTheRunSeesWhatMayBeAnsweredAndUntilWhen) {
  open({.ask = Ask::selection, .choices = {"red", "blue"}, .deadline = Duration{60'000}}, {"red"});
  const RunNode ask = node("ask");
  EXPECT_EQ(ask.choices, (std::vector<std::string>{"red", "blue"}));
  ASSERT_TRUE(ask.until && ask.started_at);
  EXPECT_EQ(*ask.until - *ask.started_at, Duration{60'000});
}

TEST_P(GateTest, AGateOfARunInsideIsAnsweredThere) {
  Flow inner("inner"), outer("outer");
  inner.gate("ask", {.ask = Ask::text});
  outer.run("calls", inner);
  work({outer});
  id_ = client_.run(outer, json::object()).value();
  await(id_, "calls", "waiting");
  const std::string inside = node("calls").inside;
  ASSERT_FALSE(inside.empty());
  const auto refused = client_.signal(id_, "calls/ask", "\"x\"");
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("is in run " + inside), std::string::npos)
      << refused.error().message;
  await({inside}, "ask", "waiting");
  client_.signal({inside}, "ask", "\"x\"").value();
  EXPECT_EQ(wait(id_).output, "\"x\"");
}

TEST_P(GateTest, AGateOfAPassIsAnsweredByThePathThatIsShown) {
  Flow inner("pass");
  inner.gate("ok", {.ask = Ask::text});
  Flow flow("passes");
  flow.batch_flow("bf", inner,
                  [](Shared&) {
                    return json{{{"i", 0}}, {{"i", 1}}};
                  },
                  {.parallel = 2});
  work({flow});
  id_ = client_.run(flow, json::object()).value();
  await(id_, "bf#1[0]/ok", "waiting");
  await(id_, "bf#1[1]/ok", "waiting");
  client_.signal(id_, "bf[0]/ok", "\"x\"").value();
  client_.signal(id_, "bf#1[1]/ok", "\"y\"").value();
  EXPECT_EQ(wait(id_).output, R"(["x","y"])");
}

TEST_P(GateTest, AnAnsweredGateWaitsForAWorkerAndForNoAnswer) {
  Flow flow("ask");
  flow.gate("ask", {.ask = Ask::text, .prompt = "Well?", .deadline = Duration{3'600'000}});
  work({flow});
  id_ = client_.run(flow, json::object()).value();
  await(id_, "ask", "waiting");
  stop();
  EXPECT_EQ(client_.find_run(id_)->state, "waiting");
  client_.signal(id_, "ask", "\"x\"").value();
  EXPECT_EQ(node("ask").state, "ready");
  EXPECT_EQ(node("ask").waits_for + node("ask").prompt, "");
  EXPECT_FALSE(node("ask").until);
  EXPECT_EQ(client_.find_run(id_)->state, "running");
  work({flow});
  EXPECT_EQ(wait(id_).output, "\"x\"");
}

TEST_P(GateTest, ATimerOnlyWaits) {
  open({.ask = Ask::timer, .deadline = Duration{200}}, {"default"});
  EXPECT_EQ(client_.signal(id_, "ask", "true").error().code, Errc::invalid);
  EXPECT_EQ(wait(id_).state, "succeeded");
  EXPECT_EQ(trace_.joined(), "default");
  EXPECT_EQ(client_.signal(id_, "ask", "true").error().code, Errc::conflict);
}

TEST_P(GateTest, ACancelledRunsGateIsGone) {
  open({.ask = Ask::approval}, {"approved"});
  client_.cancel_run(id_, "no need").value();
  EXPECT_EQ(wait(id_).state, "cancelled");
  EXPECT_FALSE(client_.signal(id_, "ask", "true"));
  EXPECT_EQ(client_.cancel_run(id_).error().code, Errc::conflict);
}

}  // namespace
}  // namespace penstock::testing
