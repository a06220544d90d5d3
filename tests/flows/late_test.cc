// SPDX-License-Identifier: MIT
//
// Time-outs of runs, and what still runs when a run has ended.
#include "tests/flows/flow_fixture.h"

#include <future>

namespace penstock::testing {
namespace {

/// Nodes that run until they are told to stop.
class StopsWhatRuns : public FlowTest {
 protected:
  void until_stopped(Shared& shared) {
    trace_.add("begun");
    const auto stop = shared.job().stop();
    std::mutex mutex;
    std::condition_variable_any asleep;
    std::unique_lock lock(mutex);
    asleep.wait_for(lock, stop, flow_patience, [] { return false; });
    trace_.add(stop.stop_requested() ? "stopped" : "left alone");
    throw std::runtime_error("stopped");
  }
  void await_trace(const std::string& what) {
    const auto give_up = real_clock().steady() + flow_patience;
    while (trace_.count(what) == 0 && real_clock().steady() < give_up) {
      client_.events({}, Duration{20}).value();
    }
    EXPECT_EQ(trace_.count(what), 1) << what;
  }
};
INSTANTIATE_TEST_SUITE_P(Stores, StopsWhatRuns, ::testing::ValuesIn(flow_stores()),
                         flow_store_name);

TEST_P(StopsWhatRuns, ATimeOutStopsTheNodeThatRuns) {
  Flow flow("late", {.timeout = Duration{300}});
  flow.task("long", [this](Shared& shared) { until_stopped(shared); });
  const Run ended = run(flow);
  EXPECT_EQ(ended.state, "failed");
  EXPECT_NE(ended.error.find("timed out after 300ms"), std::string::npos) << ended.error;
  EXPECT_EQ(trace_.joined(), "begun stopped");
}

TEST_P(StopsWhatRuns, ATimeOutStopsTheNodeThatRunsThoughNoSlotIsFree) {
  Flow inner("child"), flow("late", {.timeout = Duration{300}});
  inner.task("long", [this](Shared& shared) { until_stopped(shared); });
  flow.run("calls", inner);
  work({flow}, {.concurrency = 1});
  EXPECT_EQ(run(flow).error, "timed out after 300ms");
  EXPECT_EQ(trace_.joined(), "begun stopped");
}

TEST_P(StopsWhatRuns, ATimeOutEndsARunWhoseNodeComesBackAgainAndAgain) {
  Flow flow("late", {.timeout = Duration{100}});
  flow.task("again", [] { throw Snooze(Duration{1}); });
  work({flow});
  for (int runs = 0; runs < 5; ++runs) EXPECT_EQ(run(flow).error, "timed out after 100ms");
}

TEST_P(StopsWhatRuns, ATimeOutHoldsThoughNoWorkerWasThereWhenItPassed) {
  for (const bool answers_before : {true, false}) {
    Flow flow("away", {.timeout = Duration{300}});
    flow.gate("gate", {.ask = GateOptions::Ask::custom}) >>
        flow.task("late", [this] { trace_.add("late"); });
    work({flow});
    id_ = client_.run(flow, json::object()).value();
    await(id_, "gate", "waiting");
    stop();
    if (answers_before) client_.signal(id_, "gate", "1").value();
    EXPECT_EQ(client_.wait_run(id_, Duration{350}).error().code, Errc::timed_out);
    if (!answers_before) {
      EXPECT_EQ(client_.signal(id_, "gate", "1").error().message, "the run has timed out");
    }
    work({flow});
    EXPECT_EQ(wait(id_).error, "timed out after 300ms");
    EXPECT_EQ(trace_.joined(), "");
  }
}

TEST_P(StopsWhatRuns, ATimeOutHoldsForTheRunsInside) {
  Flow inner("child");
  inner.task("long", [this](Shared& shared) { until_stopped(shared); });
  Flow outer("parent", {.timeout = Duration{300}});
  outer.run("calls", inner);
  EXPECT_EQ(run(outer).state, "failed");
  await_trace("stopped");
  for (const Run& one : client_.list_runs().value().items) {
    if (one.parent.empty()) continue;
    EXPECT_EQ(wait(one.id).state, "failed");
    EXPECT_NE(wait(one.id).error.find("the run around it has timed out"), std::string::npos);
  }
}

TEST_P(StopsWhatRuns, ANodeThatCancelsOrEndsItsRunStopsTheOthersAndTheRunsInside) {
  for (const bool cancels : {true, false}) {
    trace_.clear();
    Flow inner("child");
    inner.task("long", [this](Shared& shared) { until_stopped(shared); });
    Flow outer("parent");
    auto begin = outer.task("begin", [] {});
    auto ends = outer.task("ends", [this, cancels](Shared& shared) {
      await_trace("begun");
      if (cancels) shared.cancel("enough");
      if (!cancels) shared.terminate("enough");
    });
    begin >> (outer.run("calls", inner) | ends);
    work({outer});
    EXPECT_EQ(run(outer).state, cancels ? "cancelled" : "succeeded");
    await_trace("stopped");
  }
}

TEST_P(StopsWhatRuns, AStepWhoseRunIsOverBeforeItsWorkerCameDoesNotRun) {
  Flow flow("away", {.timeout = Duration{50}});
  flow.task("late", [this] { trace_.add("ran"); });
  id_ = client_.run(flow, json::object()).value();
  EXPECT_EQ(client_.wait_run(id_, Duration{60}).error().code, Errc::timed_out);
  work({flow});
  EXPECT_EQ(wait(id_).error, "timed out after 50ms");
  EXPECT_EQ(trace_.count("ran"), 0);
}

TEST_P(StopsWhatRuns, ALateRunWhoseLastNodeSucceededAllTheSameSucceedsByARetry) {
  Flow flow("late", {.timeout = Duration{50}});
  flow.task("ends", [](Shared& shared) {
    std::promise<void> stopped;
    const std::stop_callback tell(shared.job().stop(), [&stopped] { stopped.set_value(); });
    stopped.get_future().wait();
    return 7;
  });
  EXPECT_EQ(run(flow).error, "timed out after 50ms");
  client_.retry_run(id_).value();
  EXPECT_EQ(wait(id_).output, "7");
}

TEST_P(StopsWhatRuns, RunsInsideThatWereEndedWithTheOneAroundAreNotTolerated) {
  std::atomic<int> tries{0};
  Flow inner("child"), flow("late", {.timeout = Duration{200}});
  inner.task("one", [this, &tries](Shared& shared) {
    if (++tries == 1) until_stopped(shared);
    return shared.params().at("n");
  });
  flow.map_runs("each", "$.input.list", inner, nullptr, {.policy = Policy::best_effort()}) >>
      flow.task("sum", [](const json& all) { return all; }, {"each"});
  work({flow}, {.concurrency = 1});
  const json list = json::array({{{"n", 1}}, {{"n", 2}}, {{"n", 3}}});
  EXPECT_EQ(run(flow, {{"list", list}}).error, "timed out after 200ms");
  client_.retry_run(id_).value();
  EXPECT_EQ(wait(id_).output, "[1,2,3]");
}

TEST_P(StopsWhatRuns, WhatCameTooLateIsNotShownAsSucceeded) {
  std::promise<void> ended;
  const auto has_ended = ended.get_future().share();
  Flow flow("ends");
  auto begin = flow.task("begin", [] {});
  auto slow = flow.task("slow", [has_ended](Shared& shared) {
    has_ended.wait();
    shared.set("slow", 1);
  });
  begin >> (slow | flow.task("ends", [](Shared& shared) { shared.terminate("enough"); }));
  EXPECT_EQ(run(flow).state, "succeeded");
  ended.set_value();
  stop();
  EXPECT_EQ(node("slow").state, "cancelled");
}

}  // namespace
}  // namespace penstock::testing
