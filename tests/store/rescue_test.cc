// SPDX-License-Identifier: MIT
//
// Death is an act: a session is retired by compare-and-set on the beat that was seen, its jobs come
// back with a crash each, and a job that crashes whoever runs it is kept apart and then failed.
#include "tests/store/conformance.h"

namespace penstock::testing {
namespace {

using namespace std::chrono_literals;

class Rescue : public StoreConformance {
 protected:
  Step rescue(SessionNumber whom, std::uint64_t seen, std::size_t jobs = 250) {
    return store->rescue(whom, seen, {.certificate = "signal 9"}, clock.now(), {.jobs = jobs})
        .value();
  }
  // A worker that takes one job and dies of it.
  void crash_once() {
    TestSession victim(*store);
    Want want = victim.want(1);
    want.holds_nothing = true;
    ASSERT_EQ(victim.exchange({}, want).value().jobs.size(), 1U);
    rescue_all(*store, victim.number(), "signal 11");
  }
  TestSession session{*store};
};

INSTANTIATE_STORE_SUITE(Rescue);

TEST_P(Rescue, DoesNothingWhenTheBeatHasMoved) {
  producer.add("a");
  session.take();
  const std::uint64_t seen = beat_of(*store, session.number());
  session.beat();
  const Step step = rescue(session.number(), seen);
  EXPECT_EQ(step.done, 0);
  EXPECT_FALSE(step.more);
  EXPECT_EQ(describe(*store), "running: a(1)");
  EXPECT_TRUE(session.beat().alive);
  EXPECT_EQ(store->check().value().sessions_lost, 0);
}

TEST_P(Rescue, OfTheSeenBeatGivesBackWithACrash) {
  const JobId id = producer.add("a");
  session.take();
  const Step step = rescue(session.number(), beat_of(*store, session.number()));
  EXPECT_EQ(step.done, 1);
  EXPECT_FALSE(step.more);
  const Job job = find_job(*store, id);
  EXPECT_EQ(job.state, JobState::ready);
  EXPECT_EQ(job.attempt, 0);
  EXPECT_EQ(job.crashes, 1);
  EXPECT_NE(job.error.find("signal 9"), std::string::npos);
  EXPECT_EQ(store->check().value().sessions_lost, 1);
  EXPECT_EQ(store->check().value().sessions, 0);
}

TEST_P(Rescue, OfNobodyDoesNothing) {
  EXPECT_EQ(rescue(SessionNumber{4711}, 0).done, 0);
  EXPECT_EQ(store->check().value().sessions_lost, 0);
}

TEST_P(Rescue, RescuedJobsComeFirstInTheirOldOrder) {
  for (const char* task : {"a", "b", "c"}) producer.add(task);
  session.reserve(2);
  rescue_all(*store, session.number());
  TestSession other(*store);
  EXPECT_EQ(tasks_of(other.reserve(3)), "a b c");
}

TEST_P(Rescue, GoesOnInStepsAfterItsRescuerDied) {
  const std::vector<rules::NewJob> jobs(10, new_job(clock, "t"));
  store->submit({.request = producer.next(), .jobs = jobs}).value();
  ASSERT_EQ(session.reserve(10).size(), 10U);
  Step step = rescue(session.number(), beat_of(*store, session.number()), 4);
  EXPECT_EQ(step.done, 4);
  EXPECT_TRUE(step.more);
  EXPECT_EQ(store->count({}).value().of(JobState::running), 6);
  // Another one sees that it is retired, and goes on whatever the beat.
  TestSession second(*store);
  bool seen_retired = false;
  for (const Watched& watched : second.beat().watch) {
    if (watched.session == session.number()) seen_retired = watched.retired;
  }
  EXPECT_TRUE(seen_retired);
  step = rescue(session.number(), 123456, 4);
  EXPECT_EQ(step.done, 4);
  step = rescue(session.number(), 0, 4);
  EXPECT_EQ(step.done, 2);
  EXPECT_FALSE(step.more);
  EXPECT_TRUE(second.beat().watch.empty());
  EXPECT_EQ(store->check().value().sessions_lost, 1);
}

TEST_P(Rescue, ItsJobsBearTheCertificateOfWhoeverRetiredIt) {
  const std::vector<rules::NewJob> jobs(3, new_job(clock, "t"));
  store->submit({.request = producer.next(), .jobs = jobs}).value();
  ASSERT_EQ(session.reserve(3).size(), 3U);
  rescue(session.number(), beat_of(*store, session.number()), 1);
  while (store->rescue(session.number(), 0, {.certificate = "no beat"}, clock.now(), {.jobs = 1})
             .value()
             .more) {
  }
  for (const Job& job : all_jobs(*store)) EXPECT_TRUE(job.error.ends_with("died: signal 9"));
}

TEST_P(Rescue, RetiredSessionHoldsNothingEvenBeforeAllIsGivenBack) {
  const std::vector<rules::NewJob> jobs(5, new_job(clock, "t"));
  store->submit({.request = producer.next(), .jobs = jobs}).value();
  const auto held = session.reserve(5);
  rescue(session.number(), beat_of(*store, session.number()), 2);
  for (const Reserved& job : held) {
    EXPECT_EQ(session.exchange({decided(*store, job, rules::Succeeded{})}).error().code,
              Errc::lease_lost);
  }
  EXPECT_EQ(store->count({}).value().of(JobState::succeeded), 0);
}

TEST_P(Rescue, DeadSessionWritesNothingAndIsCounted) {
  producer.add("a");
  session.beat();
  const Reserved job = session.take();
  rescue_all(*store, session.number());
  const std::string before = describe(*store);
  const rules::Transition late[] = {decided(*store, job, rules::Succeeded{}),
                                    decided(*store, job, rules::Succeeded{})};
  EXPECT_EQ(store
                ->finish({.session = session.id(),
                          .call = session.next_call(),
                          .transitions = late,
                          .want = session.want(5)})
                .error()
                .code,
            Errc::lease_lost);
  const Note note{.key = job.key, .fence = job.fence, .progress = 0.5, .lines = {{1, {}, 1, "x"}}};
  EXPECT_EQ(store->note(session.id(), {&note, 1}).error().code, Errc::lease_lost);
  EXPECT_EQ(store->held(session.id(), session.next_call()).error().code, Errc::lease_lost);
  EXPECT_EQ(session.close().error().code, Errc::lease_lost);
  EXPECT_EQ(describe(*store), before);
  EXPECT_EQ(store->check().value().stale_writes_refused, 3);
  EXPECT_EQ(find_job(*store, job.id).progress, 0);
}

TEST_P(Rescue, FalseAlarmIsToldToTheLivingAndCountedOnce) {
  TestSession other(*store);
  session.beat();
  other.beat();
  rescue_all(*store, session.number());
  EXPECT_EQ(store->check().value().false_alarms, 0);
  for (int time = 0; time < 3; ++time) {
    EXPECT_FALSE(session.beat().alive);
    EXPECT_TRUE(other.beat().alive);
  }
  EXPECT_EQ(store->check().value().false_alarms, 1);
}

TEST_P(Rescue, ReturnOfTheDeadDoesNotTouchTheBeatOfItsSuccessor) {
  session.beat();
  rescue_all(*store, session.number());
  TestSession successor(*store);
  successor.beat();
  const std::uint64_t beat = beat_of(*store, successor.number());
  session.beat();
  EXPECT_EQ(beat_of(*store, successor.number()), beat);
}

TEST_P(Rescue, CrashOfAJobWithACancelRequestEndsItCancelled) {
  const JobId id = producer.add("a");
  for (int crash = 0; crash < 3; ++crash) {
    SCOPED_TRACE(crash);
    const JobId next = crash == 0 ? id : producer.add("a");
    for (int before = 0; before < crash; ++before) crash_once();
    TestSession victim(*store);
    Want want = victim.want(1);
    want.holds_nothing = true;
    ASSERT_EQ(victim.exchange({}, want).value().jobs.size(), 1U);
    EXPECT_EQ(producer.cancel(next), "ok");
    rescue_all(*store, victim.number());
    EXPECT_EQ(state_of(*store, next), "cancelled");
    EXPECT_EQ(find_job(*store, next).crashes, crash + 1);
  }
}

TEST_P(Rescue, ThirdCrashFailsTheJobWithItsCertificate) {
  const JobId id = producer.add("bomb");
  crash_once();
  crash_once();
  EXPECT_EQ(describe(*store), "ready: bomb!!");
  crash_once();
  EXPECT_EQ(describe(*store), "failed: bomb!!!");
  EXPECT_NE(find_job(*store, id).error.find("signal 11"), std::string::npos);
  EXPECT_EQ(producer.retry(id), "ok");
  EXPECT_EQ(describe(*store), "ready: bomb");
}

TEST_P(Rescue, InnocentsBesideABombAreNotFailed) {
  for (const char* task : {"a", "bomb", "c"}) producer.add(task);
  for (int death = 0; death < 2; ++death) {
    TestSession victim(*store);
    ASSERT_EQ(victim.reserve(3).size(), 3U);
    rescue_all(*store, victim.number());
  }
  EXPECT_EQ(describe(*store), "ready: a!! bomb!! c!!");
  // Each now runs alone, and only the bomb dies of itself.
  for (int run = 0; run < 3; ++run) {
    TestSession worker(*store);
    Want want = worker.want(3);
    want.holds_nothing = true;
    const auto jobs = worker.exchange({}, want).value().jobs;
    ASSERT_EQ(jobs.size(), 1U);
    EXPECT_TRUE(jobs[0].alone);
    if (jobs[0].task == "bomb") {
      rescue_all(*store, worker.number());
    } else {
      EXPECT_TRUE(worker.end(jobs[0], rules::Succeeded{}));
      worker.close().value();
    }
  }
  EXPECT_EQ(describe(*store), "succeeded: a(1)!! c(1)!! | failed: bomb!!!");
}

class Suspect : public Rescue {
 protected:
  void SetUp() override {
    producer.add("bomb");
    crash_once();
    crash_once();
  }
  Exchange ask(TestSession& who, bool holds_nothing) {
    Want want = who.want(2);
    want.holds_nothing = holds_nothing;
    return who.exchange({}, want).value();
  }
};

INSTANTIATE_STORE_SUITE(Suspect);

TEST_P(Suspect, IsOnlyGivenToASessionThatHoldsNothingAndWithNothingBeside) {
  producer.add("a");
  TestSession other(*store);
  EXPECT_TRUE(ask(session, false).alone_waiting);
  EXPECT_EQ(tasks_of(ask(other, false).jobs), "a");  // Only one stops fetching for it.
  producer.add("b");
  const Exchange alone = ask(session, true);
  EXPECT_EQ(tasks_of(alone.jobs), "bomb");
  EXPECT_TRUE(alone.jobs[0].alone);
  EXPECT_FALSE(alone.alone_waiting);
}

TEST_P(Suspect, ExactlyOneSessionIsToldUntilItIsRetired) {
  TestSession second(*store), third(*store);
  for (int time = 0; time < 2; ++time) {
    EXPECT_TRUE(ask(session, false).alone_waiting);
    EXPECT_FALSE(ask(second, false).alone_waiting);
    EXPECT_FALSE(ask(third, false).alone_waiting);
  }
  rescue_all(*store, session.number());
  EXPECT_TRUE(ask(third, false).alone_waiting);
  EXPECT_FALSE(ask(second, false).alone_waiting);
}

TEST_P(Suspect, OneWhoWasToldForAnotherQueueDoesNotKeepTheOthersWaiting) {
  TestSession other(*store, {.queues = {"other"}});
  EXPECT_TRUE(ask(session, false).alone_waiting);
  EXPECT_EQ(tasks_of(ask(session, true).jobs), "bomb");
  producer.add("second", {.queue = "other"});
  for (int crash = 0; crash < 2; ++crash) {
    TestSession victim(*store, {.queues = {"other"}});
    ASSERT_EQ(ask(victim, true).jobs.size(), 1U);
    rescue_all(*store, victim.number());
  }
  ask(session, false);
  EXPECT_TRUE(ask(other, false).alone_waiting);
}

TEST_P(Suspect, StaysApartAfterARetryASnoozeAndAHandBack) {
  const rules::Outcome outcomes[] = {rules::Snoozed{1s}, rules::Failed{"x"}, rules::Interrupted{},
                                     rules::NoSuchTask{.offered = true}};
  for (const rules::Outcome& outcome : outcomes) {
    SCOPED_TRACE(outcome.index());
    TestSession runs(*store);
    const auto jobs = ask(runs, true).jobs;
    ASSERT_EQ(jobs.size(), 1U);
    EXPECT_TRUE(runs.end(jobs[0], outcome));
    runs.close().value();
    clock.advance(1min);
    store->promote({}, clock.now(), {}).value();
    TestSession busy(*store);
    EXPECT_TRUE(ask(busy, false).jobs.empty());
    busy.close().value();
  }
}

TEST_P(Suspect, HeldSaysThatItRunsAlone) {
  ASSERT_EQ(ask(session, true).jobs.size(), 1U);
  EXPECT_TRUE(session.held().at(0).alone);
}

TEST_P(Suspect, OfAPausedQueueIsNotHandedOut) {
  producer.configure(QueueSetting{.queue = "default", .paused = true});
  EXPECT_TRUE(ask(session, true).jobs.empty());
  EXPECT_FALSE(ask(session, false).alone_waiting);
}

TEST_P(Suspect, BeatTellsThatItWaits) { EXPECT_TRUE(session.beat().work_waiting); }

}  // namespace
}  // namespace penstock::testing
