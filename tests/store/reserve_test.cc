// SPDX-License-Identifier: MIT
//
// Taking jobs: in which order, how many, and what is never handed out.
#include "tests/store/conformance.h"

namespace penstock::testing {
namespace {

using namespace std::chrono_literals;

class ReserveOrder : public StoreConformance {
 protected:
  TestSession session{*store};
};

INSTANTIATE_STORE_SUITE(ReserveOrder);

TEST_P(ReserveOrder, FirstInFirstOut) {
  for (const char* task : {"a", "b", "c", "d"}) producer.add(task);
  EXPECT_EQ(tasks_of(session.reserve(3)), "a b c");
  EXPECT_EQ(tasks_of(session.reserve(3)), "d");
  EXPECT_EQ(tasks_of(session.reserve(3)), "");
}

TEST_P(ReserveOrder, HigherPriorityGoesFirst) {
  producer.add("low", {.priority = 1});
  producer.add("high", {.priority = 9});
  producer.add("middle");
  EXPECT_EQ(tasks_of(session.reserve(3)), "high middle low");
}

TEST_P(ReserveOrder, EachMinuteOfWaitingIsWorthOnePriority) {
  producer.add("old", {.priority = 4});
  clock.advance(61s);
  producer.add("young", {.priority = 5});
  EXPECT_EQ(tasks_of(session.reserve(1)), "old");
  producer.add("old", {.priority = 4});
  clock.advance(59s);
  producer.add("newer", {.priority = 5});
  EXPECT_EQ(tasks_of(session.reserve(3)), "young newer old");
}

TEST_P(ReserveOrder, ABatchRespectsAgeWithinEachLane) {
  producer.add("h1", {.priority = 6});
  producer.add("l1");
  clock.advance(90s);
  producer.add("h2", {.priority = 6});
  producer.add("l2");
  // h1: 7.5, l1: 6.5, h2: 6, l2: 5.
  EXPECT_EQ(tasks_of(session.reserve(4)), "h1 l1 h2 l2");
}

TEST_P(ReserveOrder, NoPriorityBreaksFirstInFirstOutWithinALane) {
  // What was promoted stands before what is fresh, although it became ready later.
  producer.add("p1", {.priority = 6, .start = 30s});
  producer.add("p2", {.priority = 6, .start = 100s});
  producer.add("fresh", {.priority = 6});
  producer.add("rival", {.priority = 5});
  clock.advance(100s);
  EXPECT_EQ(store->promote({}, clock.now(), {}).value().done, 2);
  const std::string order = tasks_of(session.reserve(4));
  EXPECT_LT(order.find("p1"), order.find("p2"));
  EXPECT_LT(order.find("p2"), order.find("fresh"));
}

TEST_P(ReserveOrder, PoolsAreNeverMixed) {
  producer.add("plain");
  producer.add("gpu", {.pool = "gpu"});
  producer.add("tpu", {.pool = "tpu"});
  TestSession gpu(*store, {.pools = {"gpu"}});
  EXPECT_EQ(tasks_of(gpu.reserve(9)), "gpu");
  EXPECT_EQ(tasks_of(session.reserve(9)), "plain");
  TestSession both(*store, {.pools = {"gpu", "tpu"}});
  EXPECT_EQ(tasks_of(both.reserve(9)), "tpu");
}

TEST_P(ReserveOrder, QueuesAreAskedInTheOrderOfTheWant) {
  producer.add("b", {.queue = "second"});
  producer.add("a", {.queue = "first", .priority = 0});
  producer.add("x", {.queue = "third"});
  Want want{.queues = {"first", "second"}, .jobs = 9};
  EXPECT_EQ(tasks_of(session.exchange({}, want).value().jobs), "a b");
}

TEST_P(ReserveOrder, PausedQueueHandsOutNothing) {
  producer.add("a");
  producer.configure(QueueSetting{.queue = "default", .paused = true});
  EXPECT_EQ(tasks_of(session.reserve(9)), "");
  EXPECT_TRUE(std::get<Queue>(*store->find(QueueRef{"default"}).value()).paused);
  producer.configure(QueueSetting{.queue = "default", .paused = false});
  EXPECT_EQ(tasks_of(session.reserve(9)), "a");
}

TEST_P(ReserveOrder, ABatchEndsBeforeItExceedsAMebibyte) {
  const std::string payload = quoted(400 << 10);
  for (const char* task : {"a", "b", "c"}) producer.add(task, {}, payload);
  producer.add("low", {.priority = 1}, payload);
  EXPECT_EQ(tasks_of(session.reserve(9)), "a b");
  EXPECT_EQ(tasks_of(session.reserve(9)), "c low");
}

TEST_P(ReserveOrder, ALargeJobTravelsAlone) {
  producer.add("large", {}, quoted((1 << 20) - 2));
  producer.add("small");
  EXPECT_EQ(tasks_of(session.reserve(9)), "large");
  EXPECT_EQ(tasks_of(session.reserve(9)), "small");
}

TEST_P(ReserveOrder, ABatchHasAtMost128Jobs) {
  const std::vector<rules::NewJob> jobs(200, new_job(clock, "t"));
  store->submit({.request = producer.next(), .jobs = jobs}).value();
  EXPECT_EQ(session.reserve(1000).size(), 128U);
}

TEST_P(ReserveOrder, FenceGrowsWithEveryReservation) {
  producer.add("a");
  std::uint64_t last = 0;
  for (int time = 0; time < 3; ++time) {
    const Reserved job = session.take();
    EXPECT_GT(static_cast<std::uint64_t>(job.fence), last);
    last = static_cast<std::uint64_t>(job.fence);
    EXPECT_TRUE(session.end(job, rules::Interrupted{}));
  }
  TestSession other(*store);
  EXPECT_GT(static_cast<std::uint64_t>(other.take().fence), last);
}

TEST_P(ReserveOrder, OldFenceOfTheSameSessionEndsNothing) {
  producer.add("a");
  const Reserved first = session.take();
  EXPECT_TRUE(session.end(first, rules::Interrupted{}));
  const Reserved second = session.take();
  EXPECT_FALSE(session.end(first, rules::Succeeded{}));
  EXPECT_EQ(describe(*store), "running: a(1)");
  EXPECT_TRUE(session.end(second, rules::Succeeded{}));
}

TEST_P(ReserveOrder, EndingAndTakingAreOneStep) {
  producer.add("a");
  producer.add("b");
  const Reserved a = session.take();
  const Exchange exchange =
      session.exchange({decided(*store, a, rules::Succeeded{})}, session.want(1)).value();
  EXPECT_TRUE(exchange.accepted.at(0));
  EXPECT_EQ(tasks_of(exchange.jobs), "b");
  EXPECT_EQ(describe(*store), "running: b(1) | succeeded: a(1)");
}

TEST_P(ReserveOrder, GivenBackJobsComeFirstInTheirOldOrder) {
  for (const char* task : {"a", "b", "c"}) producer.add(task);
  const auto jobs = session.reserve(2);
  EXPECT_TRUE(session.end(jobs[1], rules::Interrupted{}));
  EXPECT_TRUE(session.end(jobs[0], rules::Interrupted{}));
  EXPECT_EQ(tasks_of(session.reserve(3)), "a b c");
}

TEST_P(ReserveOrder, RetriedJobKeepsItsAttemptsAndMisses) {
  producer.add("a");
  EXPECT_TRUE(session.end(session.take(), rules::Failed{"boom"}));
  EXPECT_EQ(describe(*store), "scheduled: a(1)");
  EXPECT_EQ(find_job(*store, all_jobs(*store)[0].id).error, "boom");
  clock.advance(1s);
  store->promote({}, clock.now(), {}).value();
  Reserved job = session.take();
  EXPECT_EQ(job.attempt, 2);
  EXPECT_TRUE(session.end(job, rules::NoSuchTask{.offered = true}));
  EXPECT_EQ(describe(*store), "scheduled: a(1)");
  clock.advance(1s);
  store->promote({}, clock.now(), {}).value();
  job = session.take();
  EXPECT_EQ(job.attempt, 2);
  EXPECT_EQ(job.misses, 1);
}

TEST_P(ReserveOrder, ExpiredJobIsCancelledInsteadOfTaken) {
  const JobId id = producer.add("stale", {.expires = 10s});
  producer.add("fresh");
  clock.advance(10s);
  EXPECT_EQ(tasks_of(session.reserve(9)), "fresh");
  EXPECT_EQ(state_of(*store, id), "cancelled");
  EXPECT_NE(find_job(*store, id).error.find("expired"), std::string::npos);
}

TEST_P(ReserveOrder, CancelsNoMoreThanAStepOfExpiredJobs) {
  const std::vector<rules::NewJob> jobs(250, new_job(clock, "t", {.expires = 10s}));
  for (int time = 0; time < 3; ++time) {
    store->submit({.request = producer.next(), .jobs = jobs}).value();
  }
  clock.advance(10s);
  EXPECT_EQ(tasks_of(session.reserve(9)), "");
  EXPECT_LE(store->count({}).value().of(JobState::cancelled), 250);
  EXPECT_GT(store->count({}).value().of(JobState::cancelled), 0);
}

TEST_P(ReserveOrder, ExpiryOfAJobEndsWithItsFirstStart) {
  const JobId id = producer.add("a", {.expires = 10s});
  EXPECT_TRUE(session.end(session.take(), rules::Failed{"once"}));
  clock.advance(1min);
  store->promote({}, clock.now(), {}).value();
  EXPECT_EQ(state_of(*store, id), "ready");
  EXPECT_EQ(tasks_of(session.reserve(9)), "a");
}

TEST_P(ReserveOrder, NextDueIsTheEarliestScheduledTime) {
  EXPECT_EQ(session.exchange({}).value().next_due, std::nullopt);
  producer.add("later", {.start = 2h});
  producer.add("sooner", {.start = 1h});
  EXPECT_EQ(session.exchange({}).value().next_due, clock.now() + 1h);
  EXPECT_EQ(session.beat().next_due, clock.now() + 1h);
}

}  // namespace
}  // namespace penstock::testing
