// SPDX-License-Identifier: MIT
//
// Coroutine nodes: prep, exec and post that wait, beside plain nodes in one flow.
#include "tests/flows/flow_fixture.h"

#include <penstock/async.h>

namespace penstock::testing {
namespace {

using AsyncNodeTest = FlowTest;
INSTANTIATE_TEST_SUITE_P(Stores, AsyncNodeTest, ::testing::ValuesIn(flow_stores()),
                         flow_store_name);

struct Napping : AsyncNode {
  Duration nap{300};
  Awaitable<json> prep(Shared& shared, AsyncContext) override { co_return shared.at("text"); }
  Awaitable<json> exec(json text, AsyncContext context) override {
    auto napped = context.wait_for(nap);
    co_await std::move(napped);
    co_return text.get<std::string>() + "!";
  }
  Awaitable<std::string> post(Shared& shared, json, json result, AsyncContext context) override {
    auto napped = context.wait_for(Duration{1});
    co_await std::move(napped);
    shared.append("said", result);
    co_return "done";
  }
};

TEST_P(AsyncNodeTest, ManyWaitAtTheSameTimeBesidePlainNodes) {
  Flow flow("naps");
  auto split = flow.task("split", [] {});
  auto join = flow.task("join", [](const json& said) { return said.size(); }, {"said"});
  for (int i = 0; i < 50; ++i) {
    auto nap = flow.node("nap" + std::to_string(i), Napping{});
    split >> nap;
    nap.on("done") >> join;
  }
  work({flow}, {.concurrency = 1});
  const SteadyTime start = real_clock().steady();
  const Run ended = run(flow, {{"text", "hello"}});
  EXPECT_EQ(ended.state, "succeeded") << ended.error;
  EXPECT_EQ(ended.output, "50");
  // One after the other they would take 15 s; the run would have been given up by then.
  EXPECT_LT(real_clock().steady() - start, flow_patience);
}

TEST_P(AsyncNodeTest, OnlyExecIsRetriedAndTheFallbackAnswers) {
  struct Failing : AsyncNode {
    Trace* trace = nullptr;
    Awaitable<json> prep(Shared& shared, AsyncContext) override {
      trace->add("prep");
      shared.append("list", "prep");
      co_return 7;
    }
    Awaitable<json> exec(json prepared, AsyncContext context) override {
      auto napped = context.wait_for(Duration{1});
      co_await std::move(napped);
      trace->add("exec" + prepared.dump());
      throw std::runtime_error("never");
    }
    Awaitable<json> exec_fallback(json, std::exception_ptr) override { co_return "instead"; }
  };
  Flow flow("fails");
  Failing failing;
  failing.trace = &trace_;
  flow.node("fails", failing, {.max_attempts = 2, .backoff = at_once});
  const Run ended = run(flow);
  EXPECT_EQ(ended.output, "\"instead\"") << ended.error;
  EXPECT_EQ(trace_.joined(), "prep exec7 exec7");
  EXPECT_EQ(shared("list"), json{"prep"});
}

TEST_P(AsyncNodeTest, WhatPrepOrPostThrowsFailsTheNodeAtOnce) {
  struct Failing : AsyncNode {
    Trace* trace = nullptr;
    std::string bad = {};
    Awaitable<json> prep(Shared&, AsyncContext context) override {
      auto napped = context.wait_for(Duration{1});
      co_await std::move(napped);
      co_return part("prep");
    }
    Awaitable<json> exec(json, AsyncContext) override { co_return part("exec"); }
    Awaitable<std::string> post(Shared&, json, json, AsyncContext) override {
      part("post");
      co_return "default";
    }
    json part(const std::string& name) const {
      trace->add(name);
      if (name == bad) throw std::runtime_error("bad " + name);
      return nullptr;
    }
  };
  for (const std::string bad : {"prep", "post"}) {
    Flow flow("throws");
    Failing failing;
    failing.trace = &trace_;
    failing.bad = bad;
    flow.node("fails", failing, {.max_attempts = 3, .backoff = at_once});
    work({flow});
    trace_.clear();
    EXPECT_EQ(run(flow).error, "node fails#1: bad " + bad);
    EXPECT_EQ(trace_.joined(), bad == "prep" ? "prep" : "prep exec post");
  }
}

TEST_P(AsyncNodeTest, TheItemsOfABatchWaitAtTheSameTime) {
  struct Naps : AsyncBatchNode {
    Awaitable<json> prep(Shared& shared, AsyncContext) override { co_return shared.at("list"); }
    Awaitable<json> exec(json item, AsyncContext context) override {
      auto napped = context.wait_for(Duration{300});
      co_await std::move(napped);
      if (item == 13) throw NoRetry("unlucky");
      co_return 2 * item.get<int>();
    }
    Awaitable<json> exec_fallback(json, std::exception_ptr) override { co_return "instead"; }
    Awaitable<std::string> post(Shared& shared, json, json all, AsyncContext) override {
      shared.set("all", all);
      co_return "done";
    }
  };
  Flow flow("naps");
  flow.parallel_batch("naps", Naps{}, {.parallel = 50});
  Flow one("ones");
  auto naps = one.node("naps", Naps{});
  naps.on("done") >> one.task("after", [](const json& all) { return all; }, {"all"});
  work({flow, one}, {.concurrency = 1});
  json list = json::array(), doubled = json::array();
  for (int i = 0; i < 50; ++i) {
    list.push_back(i);
    doubled.push_back(i == 13 ? json("instead") : json(2 * i));
  }
  const Run ended = run(flow, {{"list", list}});  // One after the other: 15 s, not patience enough.
  EXPECT_EQ(ended.state, "succeeded") << ended.error;
  EXPECT_EQ(json::parse(*ended.output), doubled);
  EXPECT_EQ(run(one, {{"list", {1, 13}}}).output, "[2,\"instead\"]");
  EXPECT_EQ(run(one, {{"list", json::array()}}).output, "[]");
}

TEST_P(AsyncNodeTest, ALocalCoroutineRunsLikeAnyOther) {
  Flow flow("local");
  auto first = flow.task("first", [] {});
  Napping nap;
  nap.nap = Duration{1};
  first >> flow.node("nap", nap, {.local = true});
  EXPECT_EQ(run(flow, {{"text", "hello"}}).output, "\"hello!\"");
}

TEST_P(AsyncNodeTest, ACoroutineTaskIsANodeToo) {
  tasks_.add("echo", [](json value, AsyncContext context) -> Awaitable<json> {
    auto napped = context.wait_for(Duration{1});
    co_await std::move(napped);
    co_return value;
  });
  Flow flow("jobs");
  flow.job("calls", "echo", {{"n", "$.input.n"}});
  work({flow});
  EXPECT_EQ(run(flow, {{"n", 5}}).output, R"({"n":5})");
}

TEST_P(AsyncNodeTest, ACancelReachesTheAwait) {
  Flow flow("stops");
  Napping napping;
  napping.nap = std::chrono::hours(1);
  flow.node("nap", napping);
  work({flow});
  id_ = client_.run(flow, json{{"text", "x"}}).value();
  await(id_, "nap", "running");
  client_.cancel_run(id_).value();
  EXPECT_EQ(wait(id_).state, "cancelled");
  stop();  // Would not come back if the coroutine still waited.
}

}  // namespace
}  // namespace penstock::testing
