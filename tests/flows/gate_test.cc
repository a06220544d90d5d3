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

TEST_P(GateTest, ATimerOnlyWaits) {
  open({.ask = Ask::timer, .deadline = Duration{200}}, {"default"});
  EXPECT_EQ(client_.signal(id_, "ask", "true").error().code, Errc::invalid);
  EXPECT_EQ(wait(id_).state, "succeeded");
  EXPECT_EQ(trace_.joined(), "default");
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
