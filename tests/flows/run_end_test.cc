// SPDX-License-Identifier: MIT
//
// How the end of a run reaches what still runs in it, and how runs around and inside each other
// end.
#include "tests/flows/flow_fixture.h"

#include <future>

namespace penstock::testing {
namespace {

/// A run that fails while a run inside waits at a gate; retried when the one inside has ended.
class HaltedAround : public FlowTest {
 protected:
  Run retried(const std::string& said) {
    auto gate = inner_.gate("gate", {.ask = GateOptions::Ask::custom});
    gate >> inner_.task("hurries",
                        [this](const json& answer) {
                          if (answer == "bad" && ++inner_tries_ == 1)
                            throw NoRetry("not yet either");
                          return 7;
                        },
                        {"gate"});
    auto begin = outer_.task("begin", [] {});
    auto fails = outer_.task("fails", [this] {
      if (++tries_ > 1) return;
      open_inside();  // Once it has begun it goes on without the one around it.
      throw NoRetry("not yet");
    });
    auto calls = outer_.run("calls", inner_);
    begin >> (calls | fails) >> outer_.task("after", [](int n) { return n; }, {"calls"});
    EXPECT_EQ(run(outer_).state, "failed");
    answer_inside(said);
    client_.retry_run(id_).value();
    if (said == "\"bad\"") answer_inside("1");
    return wait(id_);
  }
  void answer_inside(const std::string& answer) {
    const RunId inside = open_inside();
    await(inside, "gate", "waiting");
    client_.signal(inside, "gate", answer).value();
    wait(inside);
  }
  RunId open_inside(const std::string& flow = {}) {
    const auto give_up = real_clock().steady() + flow_patience;
    while (real_clock().steady() < give_up) {
      const auto listed = client_.list_runs().value().items;
      for (const Run& one : listed) {
        const bool meant = flow.empty() || one.flow == flow;
        if (meant && !one.parent.empty() && !one.ended()) return one.id;
      }
      client_.events({}, Duration{20}).value();
    }
    return {};
  }

  Flow inner_{"child"}, outer_{"parent"};
  std::atomic<int> tries_{0}, inner_tries_{0};
};
INSTANTIATE_TEST_SUITE_P(Stores, HaltedAround, ::testing::ValuesIn(flow_stores()), flow_store_name);

TEST_P(HaltedAround, ARunInsideThatEndedMeanwhileHasItsResultAfterARetry) {
  const Run again = retried("1");
  EXPECT_EQ(again.state, "succeeded") << again.error;
  EXPECT_EQ(again.output, "7");
}

TEST_P(HaltedAround, ARunInsideThatFailedMeanwhileStartsAnewWithARetry) {
  const Run again = retried("\"bad\"");
  EXPECT_EQ(again.state, "succeeded") << again.error;
  EXPECT_EQ(client_.list_runs().value().items.size(), 3U);
}

TEST_P(HaltedAround, ARunInsideIsUndoneBeforeTheOneAroundIt) {
  auto first = inner_.task("first", [] {}).undo([this](Shared&) { trace_.add("inside"); });
  first >> inner_.gate("gate", {.ask = GateOptions::Ask::custom}) >>
      inner_.task("late", [this] { trace_.add("late"); });
  std::promise<void> waits;
  const std::shared_future<void> inside_waits = waits.get_future().share();
  auto begin = outer_.task("begin", [] {}).undo([this](Shared&) { trace_.add("around"); });
  auto fails = outer_.task("fails", [inside_waits] {
    inside_waits.wait_for(flow_patience);
    throw NoRetry("bad");
  });
  begin >> (outer_.run("calls", inner_) | fails);
  work({outer_});
  id_ = client_.run(outer_, json::object()).value();
  const RunId inside = open_inside();
  await(inside, "gate", "waiting");
  waits.set_value();
  EXPECT_EQ(wait(id_).state, "compensated");
  EXPECT_EQ(wait(inside).state, "compensated");
  EXPECT_EQ(wait(inside).error, "the run around it has failed");
  EXPECT_EQ(trace_.joined(), "inside around");
}

TEST_P(HaltedAround, ARunThatFailsDeepInsideIsUndoneBeforeThoseAroundIt) {
  for (const bool late : {false, true}) {
    Flow leaf("leaf");
    auto first = leaf.task("first", [] {}).undo([this](Shared&) {
      client_.events({}, Duration{50}).value();
      trace_.add("leaf");
    });
    first >> leaf.gate("gate", {.ask = GateOptions::Ask::custom});
    Flow mid("mid");
    auto calls = mid.run("calls", leaf);
    auto split = mid.task("split", [] {});
    auto bad = mid.task("bad", [this, late] {
      if (late) return;
      await(open_inside("leaf"), "gate", "waiting");
      throw NoRetry("bad");
    });
    split >> (calls | bad);
    FlowOptions options;
    if (late) options.timeout = Duration{300};
    Flow outer(late ? "late" : "outer", options);
    auto begin = outer.task("begin", [] {}).undo([this](Shared&) { trace_.add("outer"); });
    begin >> outer.run("mid", mid);
    work({outer});
    trace_.clear();
    EXPECT_EQ(run(outer).state, "compensated");
    EXPECT_EQ(trace_.joined(), "leaf outer") << late;
  }
}

TEST_P(HaltedAround, ARunThatWasLateStartsTheOneInsideAnewWithARetry) {
  const auto tries = std::make_shared<std::atomic<int>>(0);
  inner_.task("first", [] {}).undo([this](Shared&) {
    client_.events({}, Duration{100}).value();
  }) >>
      inner_.task("slow", [tries](Shared& shared) {
        if (++*tries > 1) return;
        const auto give_up = real_clock().steady() + flow_patience;
        while (!shared.job().stop().stop_requested() && real_clock().steady() < give_up) {
          std::this_thread::yield();
        }
      });
  Flow outer("late", {.timeout = Duration{300}});
  outer.run("calls", inner_);
  EXPECT_EQ(run(outer).error, "timed out after 300ms");
  client_.retry_run(id_).value();
  const Run again = wait(id_);
  EXPECT_EQ(again.state, "succeeded") << again.error;
}

TEST_P(HaltedAround, ARunInsideThatEndsWhileTheOneAroundFailsIsUndone) {
  inner_.task("one", [this] { trace_.add("one"); });
  auto begin = outer_.task("begin", [] {});
  auto calls = outer_.run("calls", inner_).undo([this](Shared&) { trace_.add("undone"); });
  begin >> (calls | outer_.task("fails", [] { throw NoRetry("bad"); }));
  // One after the other: the run inside has begun and not ended when the one around it fails.
  work({outer_}, {.concurrency = 1});
  EXPECT_EQ(run(outer_).state, "compensated");
  EXPECT_EQ(trace_.joined(), "one undone");
  EXPECT_EQ(node("calls").state, "compensated");
}

using RunEnd = FlowTest;
INSTANTIATE_TEST_SUITE_P(Stores, RunEnd, ::testing::ValuesIn(flow_stores()), flow_store_name);

TEST_P(RunEnd, NothingGoesOnInARunThatHasEnded) {
  for (const std::string how : {"cancelled", "succeeded", "compensated", "failed"}) {
    Flow flow("ends-" + how);
    auto begin = flow.task("begin", [] {});
    if (how == "compensated") begin.undo([](Shared&) {});
    auto gate = flow.gate("gate", {.ask = GateOptions::Ask::event});
    auto ends = flow.task("ends", [how](Shared& shared) {
      if (how == "cancelled") shared.cancel("enough");
      if (how == "succeeded") shared.terminate("enough");
      if (how == "compensated" || how == "failed") throw NoRetry("no");
    });
    begin >> (gate | ends) >> flow.task("after", [] {});
    work({flow});
    EXPECT_EQ(run(flow).state, how);
    EXPECT_EQ(node("gate").state, how == "failed" ? "parked" : "cancelled") << how;
    EXPECT_EQ(node("gate").waits_for, "") << how;
    EXPECT_TRUE(client_.find_run(id_)->started_at) << how;
  }
}

TEST_P(RunEnd, TheRunAroundSaysWhyTheOneInsideWasCompensated) {
  Flow inner("child"), outer("parent");
  auto fails = inner.task("fails", [] { throw NoRetry("the reason"); });
  inner.task("done", [] {}).undo([](Shared&) {}) >> fails;
  outer.run("calls", inner);
  const std::string why = run(outer).error;
  EXPECT_NE(why.find("inside ended compensated: node fails#1: the reason"), why.npos) << why;
}

TEST_P(RunEnd, AFailedRunDoesNotWaitForTheBackOffOfANode) {
  const Backoff hour{
      .kind = Backoff::Kind::fixed, .first = Duration{3'600'000}, .cap = Duration{3'600'000}};
  std::promise<void> has_failed;
  Flow flow("slow");
  auto begin = flow.task("begin", [] {});
  auto slow = flow.task("slow",
                        [failed = has_failed.get_future().share()] {
                          failed.wait_for(flow_patience);
                          throw std::runtime_error("later");
                        },
                        {}, {.max_attempts = 2, .backoff = hour});
  begin >> (slow | flow.task("fails", [] { throw NoRetry("no"); }));
  work({flow});
  id_ = client_.run(flow, json::object()).value();
  await(id_, "fails", "failed");
  await(id_, "slow", "running");
  has_failed.set_value();
  EXPECT_EQ(wait(id_).state, "failed");
  EXPECT_EQ(node("slow").state, "parked");
}

TEST_P(RunEnd, ANodeThatIsRetriedIsNotShownWithTheEndOfItsFailure) {
  Flow flow("retried");
  flow.task("bad", []() -> int { throw NoRetry("broken"); });
  EXPECT_EQ(run(flow).state, "failed");
  EXPECT_TRUE(node("bad").finished_at);
  stop();
  client_.retry_run(id_).value();
  const RunNode again = node("bad");
  EXPECT_EQ(again.state, "ready");
  EXPECT_EQ(again.error, "");
  EXPECT_EQ(again.worker, "");
  EXPECT_FALSE(again.started_at);
  EXPECT_FALSE(again.finished_at);
}

TEST_P(RunEnd, AMapWhoseItemsEndWhileTheRunFailsIsUndone) {
  std::promise<void> failed, begun;
  std::atomic<int> items{0};
  const std::shared_future<void> has_failed = failed.get_future().share();
  const std::shared_future<void> has_begun = begun.get_future().share();
  Flow flow("maps");
  auto map = flow.map("map", "$.input.list", [&, has_failed](int n) {
    if (++items == 2) begun.set_value();
    has_failed.wait_for(flow_patience);
    trace_.add(std::to_string(n));
  });
  map.undo([this](Shared&) { trace_.add("undone"); });
  flow.task("begin", [] {}) >> (map | flow.task("bad", [has_begun] {
    has_begun.wait_for(flow_patience);
    throw NoRetry("bad");
  }));
  work({flow});
  id_ = client_.run(flow, json{{"list", {1, 2}}}).value();
  await(id_, "bad", "failed");
  failed.set_value();
  const Run ended = wait(id_);
  EXPECT_EQ(ended.state, "compensated") << ended.error;
  ASSERT_EQ(trace_.lines().size(), 3U) << trace_.joined();
  EXPECT_EQ(trace_.lines().back(), "undone");
  EXPECT_EQ(node("map").state, "compensated");
}

TEST_P(RunEnd, WhatWasNotUndoneWhenTheRunWasCancelledIsShownAsItWas) {
  std::promise<void> begun;
  Flow flow("cut");
  auto a = flow.task("a", [] {});
  a.undo([&begun](Shared& shared) {
    begun.set_value();
    const auto give_up = real_clock().steady() + flow_patience;
    while (!shared.job().stop().stop_requested() && real_clock().steady() < give_up) {
      std::this_thread::yield();
    }
  });
  a >> flow.task("bad", [] { throw NoRetry("bad"); });
  work({flow});
  id_ = client_.run(flow, json::object()).value();
  ASSERT_EQ(begun.get_future().wait_for(flow_patience), std::future_status::ready);
  EXPECT_EQ(client_.find_run(id_)->state, "compensating");
  client_.cancel_run(id_, "enough").value();
  EXPECT_EQ(wait(id_).state, "cancelled");
  stop();
  EXPECT_EQ(node("a").state, "succeeded");
  EXPECT_EQ(node("a").error, "its compensation was cut off: the run was cancelled");
}

TEST_P(RunEnd, WhatEndsRunsInsideGoesBeforeTheirSteps) {
  Flow inner("child"), outer("parent");
  inner.gate("gate", {.ask = GateOptions::Ask::event});
  auto gate = outer.gate("gate", {.ask = GateOptions::Ask::event});
  outer.task("begin", [] {}) >> (gate | outer.run("inside", inner));
  gate >> outer.task("ends", [](Shared& shared) { shared.terminate("enough"); });
  work({outer, inner});
  id_ = client_.run(outer, json::object()).value();
  await(id_, "inside", "waiting");
  const RunId inside{client_.list_runs().value().items.front().id};
  await(inside, "gate", "waiting");
  client_.signal(id_, "gate", "1").value();
  EXPECT_EQ(wait(id_).state, "succeeded");
  EXPECT_EQ(wait(inside).state, "cancelled");
  int sweeps = 0;
  for (const Job& job : client_.list({.task = "penstock.step"}).value().items) {
    sweeps += job.priority == 10 ? 1 : 0;
  }
  EXPECT_GE(sweeps, 2);
}

TEST_P(RunEnd, AWorkerIsDestroyedAfterWhatItGaveBackAndStillRuns) {
  Flow flow("outlives");
  std::promise<void> begun, released;
  std::atomic<int> tries{0};
  flow.task("node", [&](Shared& shared) {
    if (++tries == 1) {
      begun.set_value();
      released.get_future().wait();
    }
    shared.append("done", 1);
  });
  work({flow});
  id_ = client_.run(flow, json::object()).value();
  begun.get_future().wait();
  worker_->stop();
  worker_->stop();  // It gives back at once.
  thread_.join();
  std::jthread release([&released] {
    for (int i = 0; i < 10'000; ++i) std::this_thread::yield();
    released.set_value();
  });
  worker_.reset();
  work({flow});
  EXPECT_EQ(wait(id_).state, "succeeded");
  EXPECT_EQ(shared("done"), json({1}));
}

}  // namespace
}  // namespace penstock::testing
