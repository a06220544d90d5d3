// SPDX-License-Identifier: MIT
//
// A session: call numbers, what it holds after a lost reply, beats and orders, and its end.
#include "tests/store/conformance.h"

namespace penstock::testing {
namespace {

using namespace std::chrono_literals;

class Session : public StoreConformance {
 protected:
  TestSession session{*store};
};

INSTANTIATE_STORE_SUITE(Session);

TEST_P(Session, NumbersAndNoncesNeverRepeat) {
  std::uint64_t last = static_cast<std::uint64_t>(session.number());
  for (int time = 0; time < 3; ++time) {
    TestSession other(*store);
    EXPECT_GT(static_cast<std::uint64_t>(other.number()), last);
    EXPECT_NE(other.id().nonce, session.id().nonce);
    last = static_cast<std::uint64_t>(other.number());
    other.close().value();
  }
}

TEST_P(Session, RepeatedOrLowerCallIsRefusedAndTakesNothing) {
  producer.add("a");
  session.exchange({}).value();
  for (const std::uint64_t call : {1U, 0U}) {
    const auto refused =
        store->finish({.session = session.id(), .call = Call{call}, .want = session.want(1)});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::conflict);
  }
  EXPECT_EQ(describe(*store), "ready: a");
  const auto held = store->held(session.id(), Call{1});
  ASSERT_FALSE(held);
  EXPECT_EQ(held.error().code, Errc::conflict);
  EXPECT_EQ(store->close(session.id(), Call{1}).error().code, Errc::conflict);
}

TEST_P(Session, HeldTellsOfAReserveWhoseReplyWasLost) {
  producer.add("a", {.max_attempts = 7, .tags = {{"k", "v"}}}, "[1]");
  const auto lost = session.reserve(1);
  const auto held = session.held();
  ASSERT_EQ(held.size(), 1U);
  EXPECT_EQ(held[0].key, lost.at(0).key);
  EXPECT_EQ(held[0].id, lost[0].id);
  EXPECT_EQ(held[0].fence, lost[0].fence);
  EXPECT_EQ(held[0].attempt, 1);
  EXPECT_EQ(held[0].payload, "[1]");
  EXPECT_EQ(held[0].own, lost[0].own);
  EXPECT_EQ(held[0].tags, lost[0].tags);
  EXPECT_EQ(held[0].queue, "default");
  EXPECT_EQ(held[0].created_at, lost[0].created_at);
  EXPECT_TRUE(session.end(held[0], rules::Succeeded{}));
}

TEST_P(Session, HeldIsEmptyAfterAFinishThatTookEffect) {
  producer.add("a");
  session.end(session.take(), rules::Succeeded{});
  EXPECT_TRUE(session.held().empty());
  EXPECT_EQ(describe(*store), "succeeded: a(1)");
}

TEST_P(Session, HeldStillHasTheJobOfAFinishThatNeverArrived) {
  producer.add("a");
  const Reserved job = session.take();
  session.next_call();  // The finish that got lost on its way.
  const auto held = session.held();
  ASSERT_EQ(held.size(), 1U);
  EXPECT_TRUE(session.end(held[0], rules::Succeeded{"7"}));
  EXPECT_EQ(find_job(*store, job.id).result, "7");
}

TEST_P(Session, GhostOfACallIsRefusedOnceHeldWasAsked) {
  producer.add("a");
  const Reserved job = session.take();
  const Call ghost = session.next_call();
  session.held();
  const rules::Transition late[] = {decided(*store, job, rules::Succeeded{})};
  const auto refused = store->finish(
      {.session = session.id(), .call = ghost, .transitions = late, .want = session.want(1)});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::conflict);
  EXPECT_EQ(describe(*store), "running: a(1)");
}

TEST_P(Session, ForgedNonceIsRefused) {
  producer.add("a");
  const SessionId forged{session.number(), "guessed"};
  EXPECT_EQ(
      store->finish({.session = forged, .call = Call{9}, .want = session.want(1)}).error().code,
      Errc::lease_lost);
  EXPECT_FALSE(store->extend(forged, {}).value().alive);
  EXPECT_EQ(store->close(forged, Call{9}).error().code, Errc::lease_lost);
  EXPECT_TRUE(session.beat().alive);
}

TEST_P(Session, WhatAWorkerHasCountedTravelsWithABeatAndStays) {
  const auto told = [&] {
    const auto all = store->list(SessionsQuery{}).value();
    return std::get<Page<WorkerRecord>>(all).items.at(0).tally;
  };
  EXPECT_EQ(told(), "");
  store->extend(session.id(), {.tally = "[{\"task\":\"a\"}]"}).value();
  EXPECT_EQ(told(), "[{\"task\":\"a\"}]");
  store->extend(session.id(), {}).value();  // Nothing new.
  EXPECT_EQ(told(), "[{\"task\":\"a\"}]");
}

TEST_P(Session, CloseGivesBackWithoutUsingAnAttempt) {
  for (const char* task : {"a", "b"}) producer.add(task);
  session.reserve(2);
  session.close().value();
  EXPECT_EQ(describe(*store), "ready: a b");
  EXPECT_EQ(session.exchange({}).error().code, Errc::lease_lost);
  EXPECT_EQ(store->check().value().sessions, 0);
  EXPECT_EQ(store->check().value().sessions_lost, 0);
  TestSession other(*store);
  EXPECT_EQ(tasks_of(other.reserve(2)), "a b");
  EXPECT_FALSE(store->find(session.number()).value());
}

TEST_P(Session, CloseCancelsWhatWasToBeCancelled) {
  const JobId id = producer.add("a");
  session.take();
  EXPECT_EQ(producer.cancel(id), "ok");
  session.close().value();
  EXPECT_EQ(describe(*store), "cancelled: a");
}

TEST_P(Session, BeatGrowsAndIsSeenByOthers) {
  TestSession other(*store);
  session.beat();
  const std::uint64_t before = beat_of(*store, session.number());
  session.beat();
  EXPECT_GT(beat_of(*store, session.number()), before);
  for (const Watched& watched : session.beat().watch) {
    EXPECT_NE(watched.session, session.number());
    EXPECT_EQ(watched.session, other.number());
    EXPECT_FALSE(watched.retired);
  }
}

TEST_P(Session, BeatTellsWhatTheSessionHolds) {
  EXPECT_EQ(session.beat().held, 0);
  producer.add("a");
  const Reserved job = session.take();
  EXPECT_EQ(session.beat().held, 1);
  session.end(job, rules::Succeeded{});
  EXPECT_EQ(session.beat().held, 0);
}

TEST_P(Session, BeatTellsThatWorkIsWaiting) {
  EXPECT_FALSE(session.beat().work_waiting);
  producer.add("a");
  EXPECT_TRUE(session.beat().work_waiting);
  session.take();
  EXPECT_FALSE(session.beat().work_waiting);
}

TEST_P(Session, BeatTellsOnlyOfWorkThatTheSessionMayTake) {
  producer.add("a", {.queue = "other"});
  producer.add("b", {.pool = "gpu"});
  EXPECT_FALSE(session.beat().work_waiting);
  TestSession gpu(*store, {.pools = {"gpu", "tpu"}});
  EXPECT_TRUE(gpu.beat().work_waiting);
  producer.configure(QueueSetting{.queue = "default", .paused = true});
  EXPECT_FALSE(gpu.beat().work_waiting);
  TestSession both(*store, {.queues = {"default", "other"}});
  EXPECT_TRUE(both.beat().work_waiting);
}

TEST_P(Session, CancelIsToldWithEveryBeatUntilTheJobHasEnded) {
  const JobId id = producer.add("a");
  const Reserved job = session.take();
  EXPECT_TRUE(session.beat().cancels.empty());
  EXPECT_EQ(producer.cancel(id), "ok");
  for (int time = 0; time < 3; ++time) {
    const Orders orders = session.beat();
    ASSERT_EQ(orders.cancels.size(), 1U);
    EXPECT_EQ(orders.cancels[0], job.key);
  }
  session.exchange({decided(*store, job, rules::Cancelled{"asked"}, true)}).value();
  EXPECT_TRUE(session.beat().cancels.empty());
  EXPECT_EQ(describe(*store), "cancelled: a(1)");
  EXPECT_EQ(find_job(*store, id).error, "asked");
}

TEST_P(Session, CancelIsToldToNobodyElse) {
  const JobId id = producer.add("a");
  session.take();
  TestSession other(*store);
  EXPECT_EQ(producer.cancel(id), "ok");
  EXPECT_TRUE(other.beat().cancels.empty());
}

TEST_P(Session, CancelWinsOverAnEndThatWasDecidedWithoutKnowingOfIt) {
  const rules::Outcome outcomes[] = {rules::Failed{"again"}, rules::Failed{"never", false},
                                     rules::Snoozed{1min}, rules::Interrupted{},
                                     rules::NoSuchTask{.offered = true}};
  for (const rules::Outcome& outcome : outcomes) {
    SCOPED_TRACE(outcome.index());
    const JobId id = producer.add("a");
    const Reserved job = session.take();
    EXPECT_EQ(producer.cancel(id), "ok");
    EXPECT_TRUE(session.end(job, outcome));
    EXPECT_EQ(state_of(*store, id), "cancelled");
  }
}

TEST_P(Session, CancelLosesAgainstSuccess) {
  const JobId id = producer.add("a");
  const Reserved job = session.take();
  EXPECT_EQ(producer.cancel(id), "ok");
  EXPECT_TRUE(session.end(job, rules::Succeeded{}));
  EXPECT_EQ(state_of(*store, id), "succeeded");
}

TEST_P(Session, OrderIsToldWithTheBeat) {
  EXPECT_EQ(session.beat().order, Order::run);
  producer.configure(SessionSetting{session.number(), Order::quiet});
  EXPECT_EQ(session.beat().order, Order::quiet);
  producer.configure(SessionSetting{session.number(), Order::stop});
  EXPECT_EQ(session.beat().order, Order::stop);
  const auto unknown =
      store->configure(SessionSetting{SessionNumber{99999}, Order::quiet}, producer.next());
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, Errc::not_found);
}

TEST_P(Session, UpkeepHasOneHolderAndPassesOnWhenThatIsRetired) {
  TestSession second(*store), third(*store);
  EXPECT_EQ(session.beat().upkeep, session.number());
  EXPECT_EQ(second.beat().upkeep, session.number());
  rescue_all(*store, session.number());
  EXPECT_EQ(third.beat().upkeep, third.number());
  EXPECT_EQ(second.beat().upkeep, third.number());
  third.close().value();
  EXPECT_EQ(second.beat().upkeep, second.number());
}

TEST_P(Session, TheOldest32WatchAllTheOthersWatchThose) {
  std::vector<TestSession> sessions;
  for (int i = 0; i < 40; ++i) sessions.emplace_back(*store);
  session.close().value();
  EXPECT_EQ(sessions[0].beat().watch.size(), 39U);
  EXPECT_EQ(sessions[31].beat().watch.size(), 39U);
  const Orders young = sessions[32].beat();
  ASSERT_EQ(young.watch.size(), 32U);
  for (std::size_t i = 0; i < 32; ++i) {
    EXPECT_EQ(young.watch[i].session, sessions[i].number());
  }
  rescue_all(*store, sessions[5].number());
  EXPECT_EQ(sessions[32].beat().watch.size(), 38U);
  EXPECT_EQ(sessions[33].beat().watch.size(), 32U);
}

TEST_P(Session, ListedWithWhatItSaidOfItself) {
  const WorkerProfile profile{.worker = "w",
                              .host = "h",
                              .pid = 7,
                              .queues = {"a", "b"},
                              .pools = {"gpu"},
                              .tasks = {"t", "u"},
                              .concurrency = 3};
  TestSession other(*store, profile);
  clock.advance(10s);
  const Vitals vitals{
      .state = Vitals::State::quiet, .running = 2, .processed = 5, .failed = 1, .rss_bytes = 4096};
  EXPECT_TRUE(store->extend(other.id(), vitals).value().alive);
  const auto worker = std::get<WorkerRecord>(*store->find(other.number()).value());
  EXPECT_EQ(worker.worker, "w");
  EXPECT_EQ(worker.host, "h");
  EXPECT_EQ(worker.pid, 7);
  EXPECT_EQ(worker.queues, profile.queues);
  EXPECT_EQ(worker.pools, profile.pools);
  EXPECT_EQ(worker.tasks, profile.tasks);
  EXPECT_EQ(worker.concurrency, 3);
  EXPECT_EQ(worker.state, "quiet");
  EXPECT_EQ(worker.running, 2);
  EXPECT_EQ(worker.tasks_processed, 5);
  EXPECT_EQ(worker.tasks_failed, 1);
  EXPECT_EQ(worker.rss_bytes, 4096);
  EXPECT_EQ(worker.uptime, 10s);
  EXPECT_EQ(worker.last_seen_at, clock.now());
  EXPECT_EQ(std::get<Page<WorkerRecord>>(store->list(SessionsQuery{}).value()).items.size(), 2U);
}

}  // namespace
}  // namespace penstock::testing
