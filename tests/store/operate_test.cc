// SPDX-License-Identifier: MIT
//
// What operators do: cancel, retry, remove, promote and configure, by ids and by filter, and that a
// request which is repeated has no second effect.
#include "tests/store/conformance.h"

namespace penstock::testing {
namespace {

using namespace std::chrono_literals;

class Operate : public StoreConformance {
 protected:
  TestSession session{*store};
};

INSTANTIATE_STORE_SUITE(Operate);

TEST_P(Operate, SameRequestHasTheSameAnswerAndNoSecondEffect) {
  const JobId a = producer.add("a");
  const RequestId request = producer.next();
  const auto first = store->cancel({.ids = {a, {"x"}}}, request).value();
  EXPECT_EQ(producer.retry(a), "ok");
  const auto again = store->cancel({.ids = {a, {"x"}}}, producer.last());
  ASSERT_TRUE(again);  // The number of the retry: a request of its own.
  const RequestId old = request;
  EXPECT_EQ(store->cancel({.ids = {a}}, old).error().code, Errc::conflict);
  EXPECT_EQ(first.changed, 1);
  ASSERT_EQ(first.refused.size(), 1U);
  EXPECT_EQ(first.refused[0].first.text, "x");
  EXPECT_EQ(first.refused[0].second.code, Errc::not_found);
  EXPECT_EQ(describe(*store), "ready: a");
}

TEST_P(Operate, RepeatedRetryIsAnsweredLikeTheFirst) {
  const JobId a = producer.add("a");
  EXPECT_EQ(producer.cancel(a), "ok");
  const RequestId request = producer.next();
  for (int time = 0; time < 2; ++time) {
    const Changed changed = store->retry({.ids = {a, {"x"}}}, request).value();
    EXPECT_EQ(changed.changed, 1);
    ASSERT_EQ(changed.refused.size(), 1U);
    EXPECT_EQ(changed.refused[0].second.code, Errc::not_found);
    EXPECT_NE(changed.refused[0].second.message.find("does not exist"), std::string::npos);
  }
  EXPECT_EQ(describe(*store), "ready: a");
}

TEST_P(Operate, RepeatedRemoveAndPromoteAreAnsweredLikeTheFirst) {
  const JobId a = producer.add("a"), b = producer.add("b", {.start = 1h});
  const RequestId removal = producer.next();
  for (int time = 0; time < 2; ++time) {
    EXPECT_EQ(store->remove({.ids = {a}}, removal).value().changed, 1);
  }
  const Due chosen{.chosen = Selection{.ids = {b}}, .request = producer.next()};
  for (int time = 0; time < 2; ++time) {
    EXPECT_EQ(store->promote(chosen, clock.now(), {}).value().changed.changed, 1);
  }
}

TEST_P(Operate, RefusesMoreIdsThanAStep) {
  const std::vector<JobId> ids(251, JobId{"x"});
  EXPECT_EQ(store->cancel({.ids = ids}, producer.next()).error().code, Errc::too_large);
}

TEST_P(Operate, RetryCountsAttemptsAndCrashesAnew) {
  const JobId a = producer.add("a", {.max_attempts = 1});
  EXPECT_TRUE(session.end(session.take(), rules::Failed{"boom"}));
  EXPECT_EQ(describe(*store), "failed: a(1)");
  EXPECT_EQ(producer.retry(a), "ok");
  const Job job = find_job(*store, a);
  EXPECT_EQ(job.attempt, 0);
  EXPECT_EQ(job.finished_at, std::nullopt);
  EXPECT_EQ(job.started_at, std::nullopt);
  EXPECT_EQ(job.error, "");
  EXPECT_EQ(session.take().attempt, 1);
}

TEST_P(Operate, RetryOfAnExpiredJobDoesNotExpireAgain) {
  const JobId a = producer.add("a", {.expires = 1s});
  clock.advance(1s);
  store->promote({}, clock.now(), {}).value();
  EXPECT_EQ(state_of(*store, a), "cancelled");
  EXPECT_EQ(producer.retry(a), "ok");
  EXPECT_EQ(tasks_of(session.reserve()), "a");
}

TEST_P(Operate, RetryIsRefusedWhileAnotherJobHoldsItsUniqueKey) {
  const JobId first = producer.add("a", {.unique = Unique{"k"}});
  EXPECT_EQ(producer.cancel(first), "ok");
  const JobId second = producer.add("b", {.unique = Unique{"k"}});
  EXPECT_EQ(producer.retry(first), "conflict");
  EXPECT_EQ(producer.cancel(second), "ok");
  EXPECT_EQ(producer.retry(first), "ok");
  EXPECT_EQ(producer.retry(second), "conflict");
  EXPECT_EQ(describe(*store), "ready: a | cancelled: b");
}

TEST_P(Operate, RetryIsNotRefusedForAHolderThatHasEnded) {
  const JobId first = producer.add("a", {.unique = Unique{"k"}});
  EXPECT_EQ(producer.cancel(first), "ok");
  EXPECT_EQ(producer.cancel(producer.add("b", {.unique = Unique{"k", 1h}})), "ok");
  EXPECT_EQ(producer.retry(first), "ok");
}

TEST_P(Operate, RemovedUniqueHolderLeavesItsKeyToAJobThatIsRetried) {
  const JobId first = producer.add("a", {.unique = Unique{"k"}});
  EXPECT_EQ(producer.cancel(first), "ok");
  const JobId second = producer.add("b", {.unique = Unique{"k"}});
  EXPECT_EQ(producer.remove(second), "ok");
  EXPECT_EQ(producer.retry(first), "ok");
  EXPECT_EQ(producer.submit_one(new_job(clock, "c", {.unique = Unique{"k"}})).id, first);
}

TEST_P(Operate, FilterMeansOnlyWhatCanBeChanged) {
  producer.add("a");
  producer.add("b", {.start = 1h});
  const JobId ended = producer.add("c");
  EXPECT_EQ(producer.cancel(ended), "ok");
  const Changed changed = store->cancel({.filter = Filter{}}, producer.next()).value();
  EXPECT_EQ(changed.changed, 2);
  EXPECT_TRUE(changed.refused.empty());
  EXPECT_TRUE(changed.next_cursor.empty());
  EXPECT_EQ(describe(*store), "cancelled: a b c");
}

TEST_P(Operate, FilterGoesOnFromItsCursorInBoundedSteps) {
  const std::vector<rules::NewJob> jobs(250, new_job(clock, "t"));
  for (int time = 0; time < 3; ++time) {
    store->submit({.request = producer.next(), .jobs = jobs}).value();
  }
  producer.add("other");
  Filter filter{.task = "t"};
  std::int64_t changed = 0;
  int steps = 0;
  do {
    const Changed step = store->remove({.filter = filter}, producer.next()).value();
    EXPECT_LE(step.changed, 250);
    changed += step.changed;
    filter.cursor = step.next_cursor;
    ++steps;
  } while (!filter.cursor.empty());
  EXPECT_EQ(changed, 750);
  EXPECT_GE(steps, 3);
  EXPECT_EQ(describe(*store), "ready: other");
}

TEST_P(Operate, FilterWithABadCursorIsRefused) {
  const auto refused = store->remove({.filter = Filter{.cursor = "nonsense"}}, producer.next());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::invalid);
}

TEST_P(Operate, PromoteNowOfAFilter) {
  producer.add("a", {.queue = "q", .start = 1h});
  producer.add("b", {.start = 1h});
  const Due due{.chosen = Selection{.filter = Filter{.queue = "q"}}, .request = producer.next()};
  EXPECT_EQ(store->promote(due, clock.now(), {}).value().changed.changed, 1);
  EXPECT_EQ(describe(*store), "scheduled: b | ready: a");
}

TEST_P(Operate, ConfigureOfTheSameRequestIsDoneOnce) {
  const RequestId request = producer.next();
  const QueueSetting pause{.queue = "q", .paused = true};
  store->configure(pause, request).value();
  producer.configure(QueueSetting{.queue = "q", .paused = false});
  EXPECT_EQ(store->configure(pause, request).error().code, Errc::conflict);
  EXPECT_FALSE(std::get<Queue>(*store->find(QueueRef{"q"}).value()).paused);
}

TEST_P(Operate, ConfigureChangesOnlyWhatItNames) {
  producer.configure(QueueSetting{.queue = "q", .paused = true});
  producer.configure(QueueSetting{.queue = "q", .draining = true});
  auto queue = std::get<Queue>(*store->find(QueueRef{"q"}).value());
  EXPECT_TRUE(queue.paused);
  EXPECT_TRUE(queue.draining);
  producer.configure(QueueSetting{.queue = "q", .paused = false, .draining = false});
  queue = std::get<Queue>(*store->find(QueueRef{"q"}).value());
  EXPECT_FALSE(queue.paused);
  EXPECT_FALSE(queue.draining);
}

TEST_P(Operate, CancelledJobKeepsPayloadAndReason) {
  const JobId a = producer.add("a", {.tags = {{"k", "v"}}}, "[1]");
  EXPECT_EQ(producer.cancel(a), "ok");
  const Job job = find_job(*store, a);
  EXPECT_EQ(job.payload, "[1]");
  EXPECT_EQ(job.tags.at("k"), "v");
  EXPECT_FALSE(job.error.empty());
  EXPECT_EQ(job.finished_at, clock.now());
}

TEST_P(Operate, WhatIsCancelledWhileItRunsIsKeptForItsOwnTime) {
  const JobId id = producer.add("a", {.result_ttl = 5s});
  const Reserved job = session.take();
  EXPECT_EQ(producer.cancel(id), "ok");
  EXPECT_TRUE(session.end(job, rules::Failed{"x"}));
  EXPECT_EQ(state_of(*store, id), "cancelled");
  clock.advance(6s);
  EXPECT_EQ(store->prune({}, clock.now(), {}).value().done, 1);
}

}  // namespace
}  // namespace penstock::testing
