// SPDX-License-Identifier: MIT
//
// What is undone when a run fails, by whom, and what is not.
#include "tests/flows/flow_fixture.h"

#include <future>

namespace penstock::testing {
namespace {

class Undoing : public FlowTest {
 protected:
  ~Undoing() override { stop(); }
  auto tracing(const std::string& name) {
    return [this, name](Shared&) { trace_.add(name); };
  }
  RunId inside_of(const std::string& name) { return {node(name).inside}; }
};
INSTANTIATE_TEST_SUITE_P(Stores, Undoing, ::testing::ValuesIn(flow_stores()), flow_store_name);

TEST_P(Undoing, ABatchFlowIsUndoneWithItsSetsByAnotherWorker) {
  Flow inner("inner"), flow("batch");
  inner.task("one", [] {}).undo([](Shared& shared) {
    shared.append("undone", shared.params().at("n"));
  });
  auto batch = flow.batch_flow("batch", inner, [](Shared&) {
    return json::array({{{"n", 1}}, {{"n", 2}}});
  });
  batch >> flow.gate("gate", {.ask = GateOptions::Ask::custom}) >>
      flow.task("bad", [] { throw NoRetry("bad"); });
  work({flow});
  id_ = client_.run(flow, json::object()).value();
  await(id_, "gate", "waiting");
  work({flow});
  client_.signal(id_, "gate", "true").value();
  const Run ended = wait(id_);
  EXPECT_EQ(ended.state, "compensated") << ended.error;
  std::vector<int> undone = shared("undone");
  std::ranges::sort(undone);
  EXPECT_EQ(undone, (std::vector<int>{1, 2}));
}

TEST_P(Undoing, AForkUndoesWhatItDidAndNotWhatTheOtherRunDid) {
  std::atomic<bool> bad{false};
  Flow flow("forked");
  flow.task("a", [] {}).undo(tracing("undo a")) >> flow.task("b", [] {}).undo(tracing("undo b")) >>
      flow.task("c", [&bad] {
        if (bad) throw NoRetry("bad");
      });
  EXPECT_EQ(run(flow).state, "succeeded");
  const RunId first = id_;
  bad = true;
  id_ = client_.fork_run({.run = first, .node = "b"}).value();
  EXPECT_EQ(wait(id_).state, "compensated");
  EXPECT_EQ(trace_.joined(), "undo b");
  const RunId again = client_.fork_run({.run = id_, .node = "c"}).value();
  EXPECT_EQ(wait(again).state, "failed");
  EXPECT_EQ(trace_.joined(), "undo b");
  EXPECT_EQ(client_.find_run(first).value().state, "succeeded");
}

TEST_P(Undoing, WhenTheUndoOfARunInsideFailsTheOneAroundItUndoesNothingAndHasFailed) {
  std::atomic<bool> mended{false};
  Flow inner("inner"), flow("outer");
  inner.task("b", [] {}).undo([this, &mended](Shared&) {
    trace_.add("undo b");
    if (!mended) throw NoRetry("cannot be undone");
  }) >>
      inner.task("c", [&mended] {
        if (!mended) throw NoRetry("bad");
      });
  flow.task("a", [] {}).undo(tracing("undo a")) >> flow.run("calls", inner);
  const Run ended = run(flow);
  EXPECT_EQ(ended.state, "failed");
  EXPECT_NE(ended.error.find("the compensation of b#1 failed"), std::string::npos) << ended.error;
  EXPECT_EQ(trace_.joined(), "undo b");
  mended = true;
  const RunId inside = inside_of("calls");
  client_.retry_run(inside).value();
  EXPECT_EQ(wait(inside).state, "compensated");
  client_.retry_run(id_).value();
  EXPECT_EQ(wait(id_).state, "succeeded");
  EXPECT_NE(inside_of("calls").text, inside.text);
  EXPECT_EQ(trace_.joined(), "undo b undo b");
}

TEST_P(Undoing, ATerminateOfARunThatFailsDoesNotMakeItSucceed) {
  std::promise<void> failed;
  const auto has_failed = failed.get_future().share();
  Flow flow("terminates");
  auto begin = flow.task("begin", [] {}).undo(tracing("undo begin"));
  auto ends = flow.task("ends",
                        [has_failed](Shared& shared) {
                          has_failed.wait();
                          shared.terminate("enough");
                        })
                  .undo(tracing("undo ends"));
  auto bad = flow.task("bad", [] { throw NoRetry("bad"); });
  begin >> (ends | bad);
  work({flow});
  id_ = client_.run(flow, json::object()).value();
  await(id_, "bad", "failed");
  failed.set_value();
  EXPECT_EQ(wait(id_).state, "compensated");
  EXPECT_EQ(trace_.joined(), "undo ends undo begin");
}

TEST_P(Undoing, ARunInsideThatWasRetriedByItselfGivesItsResultToARetryOfTheOneAround) {
  std::atomic<bool> mended{false};
  Flow inner("inner"), flow("outer");
  inner.task("x", [this] { trace_.add("x"); }) >> inner.task("y", [&mended] {
    if (!mended) throw NoRetry("bad");
    return 7;
  });
  flow.run("calls", inner) >> flow.task("after", [](int n) { return n; }, {"calls"});
  EXPECT_EQ(run(flow).state, "failed");
  mended = true;
  const RunId inside = inside_of("calls");
  client_.retry_run(inside).value();
  EXPECT_EQ(wait(inside).state, "succeeded");
  client_.retry_run(id_).value();
  EXPECT_EQ(wait(id_).output, "7");
  EXPECT_EQ(trace_.joined(), "x");
}

}  // namespace
}  // namespace penstock::testing
