// SPDX-License-Identifier: MIT
//
// Upkeep: what is due becomes ready in its order, what is late is cancelled, what is old goes; all
// in bounded steps.
#include "tests/store/conformance.h"

namespace penstock::testing {
namespace {

using namespace std::chrono_literals;

class Tend : public StoreConformance {
 protected:
  Step promote(std::size_t jobs = 250) {
    return store->promote({}, clock.now(), {.jobs = jobs}).value();
  }
  Step prune(const PruneCall& call = {}, std::size_t jobs = 250) {
    return store->prune(call, clock.now(), {.jobs = jobs}).value();
  }
  void fill(int count, const rules::Outcome& outcome, SubmitOptions options = {}) {
    for (int i = 0; i < count; ++i) {
      producer.add("t" + std::to_string(++made), options);
      EXPECT_TRUE(session.end(session.take(), outcome));
    }
  }
  TestSession session{*store};
  int made = 0;
};

INSTANTIATE_STORE_SUITE(Tend);

TEST_P(Tend, PromoteMovesWhatIsDueAndNothingElse) {
  producer.add("now", {.start = 1h});
  producer.add("later", {.start = 1h + 1ms});
  clock.advance(1h);
  const Step step = promote();
  EXPECT_EQ(step.done, 1);
  EXPECT_FALSE(step.more);
  EXPECT_EQ(step.next_due, clock.now() + 1ms);
  EXPECT_EQ(describe(*store), "scheduled: later | ready: now");
}

TEST_P(Tend, PromotedJobsStandInTheOrderOfTheirTimesBeforeWhatIsFresh) {
  producer.add("third", {.start = 30min});
  producer.add("first", {.start = 10min});
  producer.add("second", {.start = 20min});
  clock.advance(1h);
  producer.add("fresh");
  promote();
  EXPECT_EQ(tasks_of(session.reserve(9)), "first second third fresh");
}

TEST_P(Tend, PromoteGoesInBoundedSteps) {
  for (int i = 0; i < 5; ++i) producer.add("t", {.start = 1h});
  producer.add("stale", {.expires = 1h});
  clock.advance(1h);
  Step step = promote(3);
  EXPECT_EQ(step.done, 3);
  EXPECT_TRUE(step.more);
  step = promote(3);
  EXPECT_EQ(step.done, 3);
  step = promote(3);
  EXPECT_EQ(step.done, 0);
  EXPECT_FALSE(step.more);
  EXPECT_EQ(store->count({}).value().of(JobState::ready), 5);
}

TEST_P(Tend, RunAtIsAPointInTime) {
  producer.add("at", {.start = clock.now() + 90s});
  clock.advance(90s);
  EXPECT_EQ(promote().done, 1);
}

TEST_P(Tend, WhatHasNotStartedInTimeIsCancelled) {
  const JobId ready = producer.add("ready", {.expires = 10s});
  const JobId scheduled = producer.add("scheduled", {.start = 1h, .expires = 10s});
  producer.add("fine", {.expires = 20s});
  EXPECT_EQ(promote().next_due, clock.now() + 10s);
  clock.advance(10s);
  EXPECT_EQ(promote().done, 2);
  EXPECT_EQ(describe(*store), "ready: fine | cancelled: ready scheduled");
  EXPECT_NE(find_job(*store, scheduled).error.find("expired"), std::string::npos);
}

TEST_P(Tend, ExpiredJobFollowsItsOwnResultTtl) {
  const JobId id = producer.add("a", {.expires = 10s, .result_ttl = 1min});
  clock.advance(10s);
  promote();
  clock.advance(1min);
  EXPECT_EQ(prune().done, 1);
  EXPECT_EQ(state_of(*store, id), "gone");
}

TEST_P(Tend, EndedJobGoesWhenItsTimeIsOver) {
  const JobId usual = producer.add("usual");
  const JobId brief = producer.add("brief", {.result_ttl = 5s});
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(session.end(session.take(), rules::Succeeded{}));
  clock.advance(5s - 1ms);
  EXPECT_EQ(prune().done, 0);
  clock.advance(1ms);
  EXPECT_EQ(prune().done, 1);
  EXPECT_EQ(state_of(*store, brief), "gone");
  clock.advance(1h);
  EXPECT_EQ(prune().done, 1);
  EXPECT_EQ(state_of(*store, usual), "gone");
}

TEST_P(Tend, FailedJobIsKeptForThirtyDaysAndNeverGoesSilently) {
  fill(1, rules::Failed{"x", false});
  clock.advance(24h * 30 - 1ms);
  EXPECT_EQ(prune().done, 0);
  clock.advance(1ms);
  const std::size_t before = all_events(*store).size();
  EXPECT_EQ(prune().done, 1);
  const auto events = all_events(*store);
  ASSERT_GT(events.size(), before - before);
  EXPECT_EQ(events.back().type, Event::Type::queue);
  EXPECT_EQ(events.back().message, "pruned 1 failed");
}

TEST_P(Tend, PruneKeepsTheNewestOfTooMany) {
  fill(5, rules::Succeeded{});
  fill(5, rules::Failed{"x", false});
  PruneCall call;
  call.retention.succeeded.count = 2;
  call.retention.failed.count = 4;
  EXPECT_EQ(prune(call).done, 4);
  EXPECT_EQ(describe(*store), "succeeded: t4(1) t5(1) | failed: t10(1) t7(1) t8(1) t9(1)");
}

TEST_P(Tend, PruneKeepsWithinItsBytes) {
  const std::string result = quoted(1000);
  fill(10, rules::Succeeded{result});
  PruneCall call;
  call.retention.succeeded.bytes = 5000;
  Step step = prune(call);
  std::int64_t done = step.done;
  while (step.more) done += (step = prune(call)).done;
  EXPECT_GE(done, 5);
  EXPECT_LE(done, 7);
  EXPECT_EQ(state_of(*store, all_jobs(*store).front().id), "succeeded");
  EXPECT_EQ(prune(call).done, 0);
}

TEST_P(Tend, PruneTouchesNoMoreThanItsBudget) {
  fill(4, rules::Succeeded{});
  fill(4, rules::Failed{"x", false});
  clock.advance(24h * 365);
  for (int left = 8; left > 0; left -= 3) {
    const Step step = prune({}, 3);
    EXPECT_EQ(step.done, std::min(left, 3));
    EXPECT_EQ(step.more, left > 3);
  }
  EXPECT_EQ(describe(*store), "");
}

TEST_P(Tend, WhatGoesByAgeIsNotCountedAgainstTheOthers) {
  fill(6, rules::Succeeded{});
  clock.advance(1h);
  fill(3, rules::Succeeded{});
  PruneCall call;
  call.retention.succeeded.count = 3;
  EXPECT_EQ(prune(call).done, 6);
  EXPECT_EQ(describe(*store), "succeeded: t7(1) t8(1) t9(1)");
}

TEST_P(Tend, PruneOfOneStatePastAnAge) {
  fill(2, rules::Failed{"x", false});
  clock.advance(1h);
  fill(1, rules::Failed{"x", false});
  fill(1, rules::Succeeded{});
  EXPECT_EQ(prune({.state = JobState::failed, .older_than = 1h}).done, 2);
  EXPECT_EQ(describe(*store), "succeeded: t4(1) | failed: t3(1)");
  EXPECT_EQ(prune({.state = JobState::failed}).done, 1);
}

TEST_P(Tend, KeepFullKeepsPayloadAndTagsAfterSuccess) {
  const JobId full = producer.add("full", {.keep_full = true, .tags = {{"k", "v"}}}, "[1]");
  EXPECT_TRUE(session.end(session.take(), rules::Succeeded{"2"}));
  const Job job = find_job(*store, full);
  EXPECT_EQ(job.payload, "[1]");
  EXPECT_EQ(job.tags.at("k"), "v");
  EXPECT_EQ(job.result, "2");
}

TEST_P(Tend, PrunedJobLeavesNeitherLogNorOwnIdNorKey) {
  const SubmitOptions options{.id = "own", .unique = Unique{"k", 1s}};
  producer.add("a", options);
  const Reserved job = session.take();
  const Note note{.key = job.key, .fence = job.fence, .lines = {{1, clock.now(), 1, "line"}}};
  store->note(session.id(), {&note, 1}).value();
  EXPECT_TRUE(session.end(job, rules::Succeeded{}));
  clock.advance(2h);
  EXPECT_EQ(prune().done, 1);
  const Submitted again = producer.submit_one(new_job(clock, "b", options));
  EXPECT_FALSE(again.duplicate);
  EXPECT_TRUE(std::get<Page<LogLine>>(store->list(LogQuery{.id = again.id}).value()).items.empty());
}

}  // namespace
}  // namespace penstock::testing
