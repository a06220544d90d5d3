// SPDX-License-Identifier: MIT
//
// submit: a call is answered once, and a job is known again by its keys.
#include "tests/store/conformance.h"

namespace penstock::testing {
namespace {

using namespace std::chrono_literals;

class Submit : public StoreConformance {
 protected:
  std::vector<rules::NewJob> batch(const std::vector<std::string>& tasks) {
    std::vector<rules::NewJob> jobs;
    for (const std::string& task : tasks) jobs.push_back(new_job(clock, task));
    return jobs;
  }
  Submitted add(SubmitOptions options, std::string payload = "null") {
    return producer.submit_one(
        new_job(clock, "t" + std::to_string(++count), std::move(options), std::move(payload)));
  }
  int count = 0;
};

INSTANTIATE_STORE_SUITE(Submit);

TEST_P(Submit, AnswersInOrderWithIdsThatNeverRepeat) {
  std::set<std::string> seen;
  for (int round = 0; round < 3; ++round) {
    const auto jobs = batch({"a", "b", "c"});
    const auto answers = store->submit({.request = producer.next(), .jobs = jobs}).value();
    ASSERT_EQ(answers.size(), 3U);
    for (std::size_t i = 0; i < 3; ++i) {
      EXPECT_FALSE(answers[i].duplicate);
      EXPECT_EQ(find_job(*store, answers[i].id).task, jobs[i].task);
      EXPECT_TRUE(seen.insert(answers[i].id.text).second);
    }
    for (const auto& answer : answers) EXPECT_EQ(producer.remove(answer.id), "ok");
  }
}

TEST_P(Submit, KeepsEverythingThatTheJobWasSubmittedWith) {
  const JobId id = producer.add("t",
                                {.queue = "q",
                                 .pool = "gpu",
                                 .priority = 7,
                                 .max_attempts = 9,
                                 .start = 1h,
                                 .expires = 2h,
                                 .unique = Unique{"u"},
                                 .tags = {{"k", "v"}}},
                                "[1]");
  const Job job = find_job(*store, id);
  EXPECT_EQ(job.queue, "q");
  EXPECT_EQ(job.pool, "gpu");
  EXPECT_EQ(job.priority, 7);
  EXPECT_EQ(job.max_attempts, 9);
  EXPECT_EQ(job.scheduled_at, clock.now() + 1h);
  EXPECT_EQ(job.expires_at, clock.now() + 2h);
  EXPECT_EQ(job.unique_key, "u");
  EXPECT_EQ(job.tags.at("k"), "v");
  EXPECT_EQ(job.payload, "[1]");
  EXPECT_EQ(job.created_at, clock.now());
}

TEST_P(Submit, SameCallAgainHasNoSecondEffectAndTheFirstAnswer) {
  const auto jobs = batch({"a", "b"});
  const SubmitCall call{.request = producer.next(), .jobs = jobs};
  const auto first = store->submit(call).value();
  const std::size_t events = all_events(*store).size();
  const auto again = store->submit(call).value();
  ASSERT_EQ(again.size(), 2U);
  for (std::size_t i = 0; i < 2; ++i) {
    EXPECT_EQ(again[i].id, first[i].id);
    EXPECT_FALSE(again[i].duplicate);
  }
  EXPECT_EQ(describe(*store), "ready: a b");
  EXPECT_EQ(all_events(*store).size(), events);
  EXPECT_EQ(store->count({}).value().submitted, 2);
}

TEST_P(Submit, SameCallAgainRepeatsDuplicatesAndRefusalsToo) {
  add({.id = "own"});
  producer.configure(QueueSetting{.queue = "full", .draining = true});
  const rules::NewJob jobs[] = {new_job(clock, "a", {.id = "own"}),
                                new_job(clock, "b", {.queue = "full"}),
                                new_job(clock, "c", {.id = "other"})};
  const SubmitCall call{.request = producer.next(), .jobs = jobs};
  for (int time = 0; time < 2; ++time) {
    const auto answers = store->submit(call).value();
    ASSERT_EQ(answers.size(), 3U);
    EXPECT_TRUE(answers[0].duplicate);
    EXPECT_EQ(answers[0].id.text, "own");
    ASSERT_TRUE(answers[1].error);
    EXPECT_EQ(answers[1].error->code, Errc::limited);
    EXPECT_NE(answers[1].error->message.find("full"), std::string::npos);
    EXPECT_FALSE(answers[2].duplicate);
    EXPECT_EQ(answers[2].id.text, "other");
  }
}

// The time is that of the server, whose clock may be set while a reply is on its way.
TEST_P(Submit, SameCallAgainIsKnownWhenTheClockWasSetInBetween) {
  for (const Duration step : {Duration{-1h}, Duration{1h}}) {
    const auto jobs = batch({"a", "b"});
    const SubmitCall call{.request = producer.next(), .jobs = jobs};
    const auto first = store->submit(call).value();
    clock.step_calendar(step);
    const auto again = store->submit(call).value();
    EXPECT_EQ(again[0].id, first[0].id) << step.count();
    EXPECT_EQ(again[1].id, first[1].id) << step.count();
    add({});
    clock.step_calendar(-step);
    const auto late = store->submit(call);
    ASSERT_FALSE(late) << step.count();
    EXPECT_EQ(late.error().code, Errc::conflict);
  }
  EXPECT_EQ(store->count({}).value().submitted, 6);
}

TEST_P(Submit, LowerCallOfTheSameProducerIsRefused) {
  const RequestId old = producer.next();
  const auto jobs = batch({"late"});
  add({});
  const auto refused = store->submit({.request = old, .jobs = jobs});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::conflict);
  EXPECT_EQ(describe(*store), "ready: t1");
}

TEST_P(Submit, TwoProducersDoNotKnowEachOthersCalls) {
  Producer other(*store);
  producer.add("a");
  other.add("b");
  EXPECT_EQ(describe(*store), "ready: a b");
}

TEST_P(Submit, RefusesABatchThatIsLargerThanAStep) {
  const std::vector<rules::NewJob> jobs(251, new_job(clock, "t"));
  const auto refused = store->submit({.request = producer.next(), .jobs = jobs});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::too_large);
  EXPECT_EQ(describe(*store), "");
}

TEST_P(Submit, NamesTheDurabilityThatWasReached) {
  const auto jobs = batch({"a"});
  const bool syncs = GetParam() == StoreKind::sqlite_file;  // The tests' Redis keeps no file.
  const auto plain = store->submit({.request = producer.next(), .jobs = jobs}).value();
  EXPECT_EQ(plain[0].reached, Ack::received);
  const SubmitCall synced{.request = producer.next(), .ack = Ack::fsynced, .jobs = jobs};
  for (int time = 0; time < 2; ++time) {
    EXPECT_EQ(store->submit(synced).value()[0].reached, syncs ? Ack::fsynced : Ack::received);
  }
  EXPECT_EQ(describe(*store), "ready: a a");
}

TEST_P(Submit, OwnIdIsKnownAgainForAsLongAsItsJob) {
  EXPECT_EQ(add({.id = "own"}).id.text, "own");
  const Submitted again = add({.id = "own"});
  EXPECT_TRUE(again.duplicate);
  EXPECT_EQ(again.id.text, "own");
  TestSession session(*store);
  const Reserved job = session.take();
  EXPECT_EQ(job.id.text, "own");
  EXPECT_TRUE(session.end(job, rules::Succeeded{}));
  EXPECT_TRUE(add({.id = "own"}).duplicate);
  EXPECT_EQ(describe(*store), "succeeded: t1(1)");
  EXPECT_EQ(producer.remove({"own"}), "ok");
  EXPECT_FALSE(add({.id = "own"}).duplicate);
  EXPECT_EQ(describe(*store), "ready: t4");
}

TEST_P(Submit, OwnIdTwiceInOneBatchIsOneJob) {
  const rules::NewJob jobs[] = {new_job(clock, "a", {.id = "x"}), new_job(clock, "b", {.id = "x"})};
  const auto answers = store->submit({.request = producer.next(), .jobs = jobs}).value();
  EXPECT_FALSE(answers[0].duplicate);
  EXPECT_TRUE(answers[1].duplicate);
  EXPECT_EQ(describe(*store), "ready: a");
}

TEST_P(Submit, UniqueKeyIsHeldUntilItsHolderHasEnded) {
  const JobId first = add({.unique = Unique{"k"}}).id;
  const Submitted second = add({.queue = "elsewhere", .unique = Unique{"k"}});
  EXPECT_TRUE(second.duplicate);
  EXPECT_EQ(second.id, first);
  TestSession session(*store);
  const Reserved job = session.take();
  EXPECT_TRUE(add({.unique = Unique{"k"}}).duplicate);
  EXPECT_TRUE(session.end(job, rules::Failed{"again"}));
  EXPECT_EQ(state_of(*store, first), "scheduled");
  EXPECT_TRUE(add({.unique = Unique{"k"}}).duplicate);
  EXPECT_EQ(producer.cancel(first), "ok");
  const Submitted third = add({.unique = Unique{"k"}});
  EXPECT_FALSE(third.duplicate);
  EXPECT_EQ(producer.remove(third.id), "ok");
  EXPECT_FALSE(add({.unique = Unique{"k"}}).duplicate);
}

TEST_P(Submit, UniqueKeyWithAHoldOutlivesItsHolder) {
  const JobId first = add({.unique = Unique{"k", 1h}}).id;
  EXPECT_EQ(producer.cancel(first), "ok");
  clock.advance(59min);
  const Submitted known = add({.unique = Unique{"k"}});
  EXPECT_TRUE(known.duplicate);
  EXPECT_EQ(known.id, first);
  clock.advance(1min);
  EXPECT_FALSE(add({.unique = Unique{"k"}}).duplicate);
}

TEST_P(Submit, UniqueKeyWithAHoldStaysWithAHolderThatLivesLonger) {
  add({.start = 2h, .unique = Unique{"k", 1h}});
  clock.advance(90min);
  EXPECT_TRUE(add({.unique = Unique{"k"}}).duplicate);
}

TEST_P(Submit, HoldOfAUniqueKeySurvivesARetryOfItsHolder) {
  const JobId first = add({.unique = Unique{"k", 1h}}).id;
  EXPECT_EQ(producer.cancel(first), "ok");
  clock.advance(10min);
  EXPECT_EQ(producer.retry(first), "ok");
  EXPECT_EQ(producer.cancel(first), "ok");
  EXPECT_TRUE(add({.unique = Unique{"k"}}).duplicate);
  clock.advance(50min);
  EXPECT_FALSE(add({.unique = Unique{"k"}}).duplicate);
}

TEST_P(Submit, IdempotencyKeyAnswersWithTheSameJobForADay) {
  const Submitted first = add({.idempotency_key = "i"}, "1");
  rules::NewJob same = new_job(clock, "t1", {.idempotency_key = "i"}, "1");
  const Submitted again = producer.submit_one(same);
  EXPECT_TRUE(again.duplicate);
  EXPECT_EQ(again.id, first.id);
  EXPECT_EQ(producer.cancel(first.id), "ok");
  clock.advance(24h - 1ms);
  EXPECT_TRUE(producer.submit_one(same).duplicate);
  clock.advance(1ms);
  const Submitted later = producer.submit_one(same);
  EXPECT_FALSE(later.duplicate);
  EXPECT_NE(later.id, first.id);
}

TEST_P(Submit, IdempotencyKeyIsKnownWhenTheClockWasSetBackOverMidnight) {
  clock.advance(24h - clock.now().time_since_epoch() % 24h + 1ms);
  rules::NewJob same = new_job(clock, "t1", {.idempotency_key = "i"}, "1");
  const Submitted first = producer.submit_one(same);
  clock.step_calendar(-1h);
  const Submitted again = producer.submit_one(same);
  EXPECT_TRUE(again.duplicate);
  EXPECT_EQ(again.id, first.id);
}

TEST_P(Submit, IdempotencyKeyWithAnotherBodyIsRefused) {
  add({.idempotency_key = "i"}, "1");
  const rules::NewJob others[] = {
      new_job(clock, "t1", {.idempotency_key = "i"}, "2"),
      new_job(clock, "t2", {.idempotency_key = "i"}, "1"),
      new_job(clock, "t1", {.queue = "q", .idempotency_key = "i"}, "1")};
  for (const auto& other : others) {
    const Submitted refused = producer.submit_one(other);
    ASSERT_TRUE(refused.error);
    EXPECT_EQ(refused.error->code, Errc::invalid);
    EXPECT_NE(refused.error->message.find("\"i\""), std::string::npos);
  }
  EXPECT_EQ(describe(*store), "ready: t1");
}

TEST_P(Submit, DrainingQueueRefusesNewJobsAndWorksOffTheOld) {
  add({.queue = "q"});
  producer.configure(QueueSetting{.queue = "q", .draining = true});
  const Submitted refused = add({.queue = "q"});
  ASSERT_TRUE(refused.error);
  EXPECT_EQ(refused.error->code, Errc::limited);
  EXPECT_FALSE(add({.queue = "other"}).error);
  TestSession session(*store, {.queues = {"q"}});
  EXPECT_TRUE(session.end(session.take(), rules::Succeeded{}));
  producer.configure(QueueSetting{.queue = "q", .draining = false});
  EXPECT_FALSE(add({.queue = "q"}).error);
}

TEST_P(Submit, CountsWhatWasEverSubmittedByQueue) {
  add({.queue = "a"});
  const JobId gone = add({.queue = "b"}).id;
  add({.queue = "b"});
  EXPECT_EQ(producer.remove(gone), "ok");
  EXPECT_EQ(store->count({}).value().submitted, 3);
  EXPECT_EQ(store->count({"b"}).value().submitted, 2);
  EXPECT_EQ(describe(store->count({"b"}).value()), "ready: 1");
  EXPECT_EQ(store->count({"never"}).value().submitted, 0);
}

}  // namespace
}  // namespace penstock::testing
