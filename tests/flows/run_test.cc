// SPDX-License-Identifier: MIT
//
// Runs: cancel, retry, compensation, runs inside runs, definitions that change.
#include "store/open.h"
#include "tests/flows/flow_fixture.h"

#include <future>

namespace penstock::testing {
namespace {

using RunTest = FlowTest;
INSTANTIATE_TEST_SUITE_P(Stores, RunTest, ::testing::ValuesIn(flow_stores()), flow_store_name);

TEST_P(RunTest, ARetryRunsOnlyWhatFailed) {
  Flow flow("mends");
  auto broken = std::make_shared<std::atomic<bool>>(true);
  auto a = flow.task("a", [this] { trace_.add("a"); });
  auto b = flow.task("b", [this] { trace_.add("b"); });
  auto c = flow.task("c", [this, broken] {
    trace_.add("c");
    if (*broken) throw NoRetry("broken");
  });
  auto d = flow.task("d", [this] { trace_.add("d"); });
  a >> (b | c) >> d;
  EXPECT_EQ(run(flow).state, "failed");
  EXPECT_EQ(node("c").state, "failed");
  *broken = false;
  client_.retry_run(id_).value();
  EXPECT_EQ(wait(id_).state, "succeeded");
  EXPECT_EQ(trace_.count("a"), 1);
  EXPECT_EQ(trace_.count("b"), 1);
  EXPECT_EQ(trace_.count("c"), 2);
  EXPECT_EQ(trace_.count("d"), 1);
  EXPECT_EQ(client_.retry_run(id_).error().code, Errc::conflict);
}

TEST_P(RunTest, AFailedRunCompensatesWhatWasDoneInReverseOrder) {
  Flow flow("saga");
  const auto undone = [this](const std::string& what) {
    return [this, what](Shared& shared) {
      trace_.add("undo-" + what);
      shared.append("undone", what);
    };
  };
  auto a = flow.task("a", [this] { trace_.add("a"); }).undo(undone("a"));
  auto b = flow.task("b", [this] { trace_.add("b"); }).undo(undone("b"));
  auto c = flow.task("c", []() -> int { throw NoRetry("no"); }).undo(undone("c"));
  a >> b >> c;
  const Run ended = run(flow);
  EXPECT_EQ(ended.state, "compensated") << ended.error;
  EXPECT_NE(ended.error.find("no"), std::string::npos);
  EXPECT_EQ(trace_.joined(), "a b undo-b undo-a");
  EXPECT_EQ(shared("undone"), json({"b", "a"}));
  EXPECT_EQ(node("a").state, "compensated");
  EXPECT_FALSE(node("a").worker.empty());
  EXPECT_TRUE(node("a").started_at && node("a").finished_at);
  EXPECT_EQ(node("c").state, "failed");
}

TEST_P(RunTest, ACompensationThatFailsFailsTheRun) {
  Flow flow("stuck");
  auto a = flow.task("a", [] {}).undo([](Shared&) { throw NoRetry("cannot"); });
  a >> flow.task("b", []() -> int { throw NoRetry("no"); });
  const Run ended = run(flow);
  EXPECT_EQ(ended.state, "failed");
  EXPECT_NE(ended.error.find("cannot"), std::string::npos) << ended.error;
  EXPECT_EQ(node("a").error, "its compensation failed: cannot");
}

TEST_P(RunTest, ARetryAfterACompensationThatFailedGoesOnCompensating) {
  Flow flow("resumes");
  auto broken = std::make_shared<std::atomic<bool>>(true);
  auto a = flow.task("a", [] {}).undo([this](Shared&) { trace_.add("undo-a"); });
  auto b = flow.task("b", [] {}).undo([this, broken](Shared&) {
    if (*broken) throw NoRetry("cannot");
    trace_.add("undo-b");
  });
  a >> b >> flow.task("c", [this]() -> int {
    trace_.add("c");
    throw NoRetry("no");
  });
  EXPECT_EQ(run(flow).state, "failed");
  *broken = false;
  client_.retry_run(id_).value();
  const Run again = wait(id_);
  EXPECT_EQ(again.state, "compensated");
  EXPECT_EQ(again.error, "node c#1: no");
  EXPECT_EQ(trace_.joined(), "c undo-b undo-a");
}

TEST_P(RunTest, ACancelledRunStopsWhatRunsAndStartsNothing) {
  Flow flow("stops");
  auto begun = std::make_shared<std::promise<void>>();
  auto a = flow.task("a", [this, begun](Shared& shared) {
    trace_.add("a");
    begun->set_value();
    const auto stop = shared.job().stop();
    std::mutex mutex;
    std::condition_variable_any asleep;
    std::unique_lock lock(mutex);
    asleep.wait(lock, stop, [] { return false; });
    throw std::runtime_error("stopped");
  });
  a >> flow.task("b", [this] { trace_.add("b"); });
  work({flow});
  id_ = client_.run(flow, json::object()).value();
  ASSERT_EQ(begun->get_future().wait_for(flow_patience), std::future_status::ready);
  client_.cancel_run(id_, "changed my mind").value();
  const Run ended = wait(id_);
  EXPECT_EQ(ended.state, "cancelled");
  EXPECT_EQ(ended.error, "changed my mind");
  stop();
  EXPECT_EQ(trace_.joined(), "a");
}

TEST_P(RunTest, AKeyMayBeCalledLikeThePlaceOfARunInside) {
  Flow inner("child");
  inner.task("one", [] { return 1; });
  Flow outer("parent");
  auto before = outer.task("before", [](Shared& shared) { shared.append("calls#1", "mine"); });
  before >> outer.run("calls", inner);
  EXPECT_EQ(run(outer).state, "succeeded");
  EXPECT_EQ(shared("calls#1"), json({"mine"}));
}

TEST_P(RunTest, ARunInsideARunHasItsOwnStoreAndTellsItsParent) {
  Flow inner("child");
  inner.task("double",
             [](int n, Shared& shared) {
               shared.set("own", 1);
               return 2 * n;
             },
             {"n"});
  Flow outer("parent");
  auto calls = outer.run("calls", inner, {{"n", "$.input.n"}});
  calls >> outer.task("after", [](int n) { return n + 1; }, {"calls"});
  const Run ended = run(outer, {{"n", 21}});
  EXPECT_EQ(ended.state, "succeeded") << ended.error;
  EXPECT_EQ(ended.output, "43");
  EXPECT_FALSE(has("own"));
  bool linked = false;
  const auto runs = client_.list_runs().value();
  for (const Run& one : runs.items) linked = linked || one.parent.starts_with(id_.text);
  EXPECT_TRUE(linked);
}

TEST_P(RunTest, ARunInsideThatFailsFailsItsNode) {
  Flow inner("child");
  inner.task("fails", []() -> int { throw NoRetry("inner trouble"); });
  Flow outer("parent");
  outer.run("calls", inner);
  const Run ended = run(outer);
  EXPECT_EQ(ended.state, "failed");
  EXPECT_NE(ended.error.find("inner trouble"), std::string::npos) << ended.error;
}

TEST_P(RunTest, ARetryStartsARunInsideThatFailedAnew) {
  std::atomic<int> tries{0};
  Flow inner("child");
  inner.task("mends", [&tries] {
    if (++tries == 1) throw NoRetry("not yet");
    return tries.load();
  });
  Flow outer("parent");
  outer.run("calls", inner);
  EXPECT_EQ(run(outer).state, "failed");
  ASSERT_TRUE(client_.retry_run(id_));
  const Run again = wait(id_);
  EXPECT_EQ(again.state, "succeeded") << again.error;
  EXPECT_EQ(again.output, "2");
}

TEST_P(RunTest, ARunInsideThatWasReplacedDoesNotAnswerForTheOneInItsPlace) {
  std::atomic<int> tries{0};
  Flow inner("child");
  auto first = inner.task("first", [&tries] {
    if (++tries == 1) throw NoRetry("not yet");
    return tries.load();
  });
  auto gate = inner.gate("gate", {.ask = GateOptions::Ask::event});
  first >> gate >> inner.task("number", [](int n) { return n; }, {"first"});
  Flow outer("parent");
  outer.run("calls", inner);
  EXPECT_EQ(run(outer).state, "failed");
  RunId old;
  const auto listed = client_.list_runs().value().items;
  for (const Run& one : listed) {
    if (!one.parent.empty()) old = one.id;
  }
  ASSERT_TRUE(client_.retry_run(id_));
  RunId fresh;
  const auto give_up = real_clock().steady() + flow_patience;
  while (fresh.text.empty()) {
    ASSERT_LT(real_clock().steady(), give_up) << "no other run was started";
    for (const Run& one : client_.list_runs().value().items) {
      if (!one.parent.empty() && one.id != old) fresh = one.id;
    }
    client_.events({}, Duration{20}).value();
  }
  await(fresh, "gate", "waiting");
  ASSERT_TRUE(client_.retry_run(old));
  await(old, "gate", "waiting");
  client_.signal(old, "gate", "1").value();
  EXPECT_EQ(wait(old).output, "3");
  EXPECT_FALSE(client_.find_run(id_).value().ended());
  client_.signal(fresh, "gate", "1").value();
  EXPECT_EQ(wait(id_).output, "2");
}

TEST_P(RunTest, AStepWaitsForAWorkerThatHasItWhateverOthersAreThere) {
  Flow ours("ours"), theirs("theirs");
  ours.task("a", [] { return 1; });
  theirs.task("b", [] { return 2; });
  work({theirs});
  id_ = client_.run(ours, json::object()).value();
  await(id_, "a", "scheduled");  // The worker has had it and left it.
  work({ours});
  const Run ended = wait(id_);
  EXPECT_EQ(ended.state, "succeeded") << ended.error;
  EXPECT_EQ(node("a").attempt, 1);
}

TEST_P(RunTest, ANewDeployDoesNotBreakARunInFlight) {
  Flow before("deploy");
  auto a = before.task("a", [] { return 1; });
  auto gate = before.gate("gate", {});
  a >> gate;
  gate.on("approved") >> before.task("old", [] { return "old"; });
  work({before});
  id_ = client_.run(before, json::object()).value();
  await(id_, "gate", "waiting");
  Flow after("deploy");
  after.task("a", [] { return 1; }) >> after.task("fresh", [] { return "new"; });
  after.task("old", [] { return "old, still offered"; });
  // The new program still has the node's code; its graph is another one.
  Flow kept("deploy");
  kept.task("a", [] { return 1; }) >> kept.task("fresh", [] { return "new"; }) >>
      kept.task("old", [] { return "old, still offered"; });
  work({kept});
  client_.signal(id_, "gate", "true").value();
  EXPECT_EQ(wait(id_).output, "\"old, still offered\"");
  EXPECT_EQ(client_.flow("deploy")->definition, kept.definition().value());
}

TEST_P(RunTest, AnOwnIdStartsOneRunHoweverOftenItIsAsked) {
  Flow flow("once");
  flow.task("a", [this] { trace_.add("a"); });
  work({flow});
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(client_.run(flow, json::object(), {.id = "mine"}).value().text, "mine");
  }
  EXPECT_EQ(wait({"mine"}).state, "succeeded");
  EXPECT_EQ(trace_.count("a"), 1);
}

TEST_P(RunTest, AnEndedRunIsKeptAsLongAsItsWorkerSays) {
  Flow flow("kept");
  flow.task("a", [] { return 1; });
  work({flow}, {.retention = {.runs = Duration{3'600'000}}});
  id_ = client_.run(flow, json::object()).value();
  wait(id_);
  const auto store = open_store(url()).value();
  const Time now = store->clock().now();
  store->prune({}, now + Duration{3'000'000}, {}).value();
  EXPECT_TRUE(client_.find_run(id_));
  for (int i = 0; i < 9; ++i) store->prune({}, now + Duration{4'000'000}, {}).value();
  EXPECT_EQ(client_.find_run(id_).error().code, Errc::not_found);
}

TEST_P(RunTest, ATimeOutFailsTheRun) {
  Flow flow("late", {.timeout = Duration{200}});
  flow.gate("forever", {.ask = GateOptions::Ask::event});
  const Run ended = run(flow);
  EXPECT_EQ(ended.state, "failed");
  EXPECT_NE(ended.error.find("timed out after 200ms"), std::string::npos) << ended.error;
}

TEST_P(RunTest, ATimeOutBeginsAnewWithARetryAndTheOldOneIsNotMeant) {
  const auto fails = std::make_shared<std::atomic<bool>>(true);
  Flow flow("again", {.timeout = Duration{300}});
  auto a = flow.task("a", [fails] {
    if (*fails) throw NoRetry("not yet");
  });
  a >> flow.gate("forever", {.ask = GateOptions::Ask::event});
  EXPECT_EQ(run(flow).state, "failed");
  *fails = false;
  client_.retry_run(id_).value();
  const Run ended = wait(id_);
  EXPECT_EQ(ended.state, "failed");
  EXPECT_EQ(ended.error, "timed out after 300ms");
  EXPECT_GE(*ended.finished_at - *node("a").started_at, Duration{250});
  // Once more after the time-out, and as a fork.
  client_.retry_run(id_).value();
  EXPECT_EQ(wait(id_).error, "timed out after 300ms");
  id_ = client_.fork_run({.run = id_, .node = "a"}).value();
  EXPECT_EQ(wait(id_).error, "timed out after 300ms");
}

TEST_P(RunTest, JobsOfARunAreItsOwn) {
  Flow flow("owned");
  flow.gate("gate", {.ask = GateOptions::Ask::event});
  work({flow});
  id_ = client_.run(flow, json::object()).value();
  const Run listed = client_.find_run(id_).value();
  for (const RunNode& one : listed.nodes) {
    if (one.job.empty()) continue;
    EXPECT_EQ(client_.cancel(JobId{one.job}).error().code, Errc::conflict);
    EXPECT_EQ(client_.remove(JobId{one.job}).error().code, Errc::conflict);
  }
  client_.signal(id_, "gate", "null").value();
  EXPECT_EQ(wait(id_).state, "succeeded");
}

TEST_P(RunTest, AFilteredListGoesOnBehindTheLastRunThatWasLookedAt) {
  Flow good("good"), bad("bad");
  good.task("a", [] {});
  bad.task("a", []() -> int { throw NoRetry("no"); });
  work({good, bad});
  std::vector<std::string> of_good, of_bad;
  for (int i = 0; i < 7; ++i) {
    const bool fails = i % 3 == 0;  // 0, 3 and 6.
    const RunId id = client_.run(fails ? bad : good, json::object()).value();
    wait(id);
    auto& ids = fails ? of_bad : of_good;
    ids.insert(ids.begin(), id.text);
  }
  // More than the store lists at once lie before those that are looked for.
  Flow idle("idle");
  idle.job("a", "t", nullptr, {.pool = "nobody"});
  for (int i = 0; i < 260; ++i) client_.run(idle, json::object()).value();
  const auto listed = [&](const RunFilter& which, int limit) {
    std::vector<std::string> ids;
    std::string cursor;
    do {
      const auto page = client_.list_runs(cursor, limit, which).value();
      EXPECT_LE(page.items.size(), static_cast<std::size_t>(limit));
      for (const Run& one : page.items) ids.push_back(one.id.text);
      cursor = page.next_cursor;
    } while (!cursor.empty());
    return ids;
  };
  for (const int limit : {1, 2, 3, 100}) {
    EXPECT_EQ(listed({.state = "failed"}, limit), of_bad) << limit;
    EXPECT_EQ(listed({.flow = "good"}, limit), of_good) << limit;
    EXPECT_EQ(listed({.state = "succeeded", .flow = "bad"}, limit), std::vector<std::string>{});
  }
  EXPECT_EQ(listed({}, 100).size(), 267U);
  EXPECT_EQ(client_.list_runs({}, 100, {.state = "failed"}).value().items.size(), 3U);
  const auto refused = client_.list_runs({}, 20, {.state = "waiting"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().message,
            "there is no state \"waiting\" of runs in a list: use running, failing, "
            "compensating, succeeded, failed, cancelled, compensated (one that waits is running)");
}

TEST_P(RunTest, AFlowThatARetryHasBegunIsNotBegunByTheNext) {
  std::atomic<int> tries{0};
  Flow inner("inner"), flow("outer");
  const auto count = [](Shared& shared) { shared.append("ran", shared.params().value("n", 0)); };
  inner.task("counts", count) >> inner.task("fails", [&tries](Shared& shared) {
    if (shared.params().value("n", 0) != 1 && ++tries <= 2) throw NoRetry("not yet");
  });
  // One set after the other, so that the failure of one holds back those behind it.
  auto sets = flow.batch_flow("sets", inner,
                              [](Shared&) {
                                json all = json::array();
                                for (int n = 1; n <= 4; ++n) all.push_back({{"n", n}});
                                return all;
                              },
                              {.parallel = 2});
  auto begin = flow.task("begin", [] {});
  begin >> (sets | (flow.task("held", [] {}) >> flow.flow("flow", inner)));
  EXPECT_EQ(run(flow).state, "failed");
  for (int retries = 0; retries < 4 && wait(id_).state == "failed"; ++retries) {
    client_.retry_run(id_).value();
  }
  EXPECT_EQ(wait(id_).state, "succeeded");
  std::vector<int> ran = shared("ran");
  std::ranges::sort(ran);
  EXPECT_EQ(ran, (std::vector<int>{0, 1, 2, 3, 4}));
}

TEST_P(RunTest, WhatIsNoDefinitionIsNotPublished) {
  Flow flow("good");
  flow.task("a", [] {});
  for (const std::string text : {"[]", "{}", R"({"flow":"other"})", "no JSON"}) {
    EXPECT_EQ(client_.publish({"bad", text}).error().code, Errc::invalid) << text;
  }
}

}  // namespace
}  // namespace penstock::testing
