// SPDX-License-Identifier: MIT
//
// Coroutine handlers. What has to overlap waits for a latch, so that nothing depends on how long
// something takes.
#include "tests/support/worker_fixture.h"

#include <penstock/async.h>

#include <gmock/gmock.h>

#include <atomic>
#include <latch>

namespace penstock {
namespace {

using testing::patience;
constexpr Duration long_time{600'000};

// With one slot for handlers that block, unless a test says otherwise.
class AsyncTest : public testing::WorkerFixture {
 protected:
  void start(WorkerOptions options = {}) {
    if (options.concurrency == 0) options.concurrency = 1;
    WorkerFixture::start(options);
  }
};

// Ends when all of its kind have begun: only possible when they are in flight together.
struct Gathering {
  explicit Gathering(int count) : missing(count) {}
  std::atomic<int> missing;
};

Awaitable<void> gather(Gathering& all, AsyncContext context) {
  --all.missing;
  while (all.missing > 0) co_await context.wait_for(Duration{5});
}

TEST_F(AsyncTest, AResultGoesThroughItsCodec) {
  tasks_.add("shout", [](std::string text) -> Awaitable<std::string> { co_return text + "!"; });
  start();
  const JobId id = client_.submit("shout", std::string("hello")).value();
  EXPECT_EQ(client_.wait<std::string>(id, patience).value(), "hello!");
}

TEST_F(AsyncTest, AThousandAreInFlightTogether) {
  Gathering all(1000);
  tasks_.add("meet", [&all](json, AsyncContext context) -> Awaitable<void> {
    co_await gather(all, context);
  });
  start();
  std::vector<JobSpec> jobs(1000, JobSpec{.task = "meet"});
  const auto submitted = client_.submit(jobs).value();
  for (const Submitted& one : submitted) EXPECT_EQ(wait(one.id), "null");
}

TEST_F(AsyncTest, NoMoreAreInFlightThanAllowed) {
  std::atomic<int> now{0}, most{0};
  tasks_.add("count", [&](json, AsyncContext context) -> Awaitable<void> {
    const int seen = ++now;
    int before = most;
    while (before < seen && !most.compare_exchange_weak(before, seen)) {
    }
    co_await context.wait_for(Duration{2});
    --now;
  });
  start({.coroutines = 3});
  std::vector<JobSpec> jobs(30, JobSpec{.task = "count"});
  for (const Submitted& one : client_.submit(jobs).value()) wait(one.id);
  EXPECT_LE(most, 3);
  EXPECT_GE(most, 2);
}

TEST_F(AsyncTest, PlainHandlersRunBesideCoroutines) {
  std::latch plain_ran(1);
  tasks_.add("plain", [&](const json&) { plain_ran.count_down(); });
  tasks_.add("waits", [&](json, AsyncContext context) -> Awaitable<void> {
    while (!plain_ran.try_wait()) co_await context.wait_for(Duration{1});
  });
  start();
  const JobId waits = submit("waits");
  const JobId plain = submit("plain");
  EXPECT_EQ(wait(waits), "null");
  EXPECT_EQ(wait(plain), "null");
}

TEST_F(AsyncTest, CoroutinesGoOnWhileAPlainHandlerHoldsTheOnlySlot) {
  std::latch coroutine_ran(1);
  tasks_.add("plain", [&](const json&) { coroutine_ran.wait(); });
  tasks_.add("quick", [&](json) -> Awaitable<void> {
    coroutine_ran.count_down();
    co_return;
  });
  start();
  const JobId plain = submit("plain");
  client_.submit("quick", json()).value();
  EXPECT_EQ(wait(plain), "null");
}

TEST_F(AsyncTest, CancelEndsACoroutineAtItsAwait) {
  std::latch running(1);
  std::atomic<bool> unwound{false};
  tasks_.add("long", [&](json, AsyncContext context) -> Awaitable<void> {
    struct Unwound {
      std::atomic<bool>& flag;
      ~Unwound() { flag = true; }
    } const seen{unwound};
    running.count_down();
    co_await context.wait_for(long_time);
  });
  start();
  const JobId id = submit("long");
  running.wait();
  ASSERT_TRUE(client_.cancel(id));
  EXPECT_EQ(failed(id).state, JobState::cancelled);
  EXPECT_TRUE(unwound);
}

TEST_F(AsyncTest, ATimeOutEndsACoroutineAtItsAwait) {
  tasks_.add("long", [](json, AsyncContext context) -> Awaitable<void> {
    co_await context.wait_for(long_time);
  });
  start();
  const JobId id = submit("long", {.max_attempts = 1, .timeout = Duration{50}});
  EXPECT_EQ(failed(id).error, "timed out after 50ms");
}

TEST_F(AsyncTest, WhatACoroutineThrowsIsItsOutcome) {
  tasks_.add("never", [](json) -> Awaitable<void> {
    throw NoRetry("hopeless");
    co_return;
  });
  start();
  const Job job = failed(submit("never"));
  EXPECT_EQ(job.error, "hopeless");
  EXPECT_EQ(job.attempt, 1);
}

TEST_F(AsyncTest, APayloadOfAnotherFormFailsForGood) {
  tasks_.add("number", [](int value) -> Awaitable<int> { co_return value; });
  start();
  const JobId id = client_.submit("number", std::string("seven")).value();
  EXPECT_THAT(failed(id).error, ::testing::HasSubstr("payload"));
}

TEST_F(AsyncTest, ACoroutineWaitsForAnotherJob) {
  tasks_.add("child", [](int value) { return value * 2; });
  tasks_.add("parent", [](int value, AsyncContext context) -> Awaitable<int> {
    const JobId child = context.client().submit("child", value).value();
    auto waited = context.wait<int>(child, patience);
    Result<int> doubled = co_await std::move(waited);
    co_return doubled.value() + 1;
  });
  start();
  const JobId id = client_.submit("parent", 20).value();
  EXPECT_EQ(client_.wait<int>(id, patience).value(), 41);
}

TEST_F(AsyncTest, AWaitForAJobEndsWithItsPatience) {
  tasks_.add("parent", [](std::string child, AsyncContext context) -> Awaitable<std::string> {
    JobId id{child};
    auto waited = context.wait_text(id, Duration{20});
    const Result<std::string> result = co_await std::move(waited);
    co_return result ? "ended" : result.error().message;
  });
  start();
  const JobId later = submit("parent", {.start = long_time});
  const JobId id = client_.submit("parent", later.text).value();
  EXPECT_THAT(wait(id), ::testing::HasSubstr("has not ended within 20ms"));
}

TEST_F(AsyncTest, AWaitForAJobThatFailedSaysWhy) {
  tasks_.add("child", [](const json&) { throw NoRetry("no luck"); });
  tasks_.add("parent", [](json, AsyncContext context) -> Awaitable<std::string> {
    JobId child = context.client().submit("child", json()).value();
    auto waited = context.wait_text(child, patience);
    const Result<std::string> result = co_await std::move(waited);
    co_return result ? "ended" : result.error().message;
  });
  start();
  EXPECT_THAT(wait(submit("parent")), ::testing::HasSubstr("no luck"));
}

TEST_F(AsyncTest, WhatBlocksRunsInTheBackground) {
  std::latch all_in(8);
  tasks_.add("block", [&](json, AsyncContext context) -> Awaitable<int> {
    auto work = [&all_in] {
      all_in.arrive_and_wait();  // Only when all eight block at the same time.
      return 7;
    };
    auto background = context.in_background(work);
    const int answer = co_await std::move(background);
    co_return answer;
  });
  start();
  std::vector<JobSpec> jobs(8, JobSpec{.task = "block"});
  for (const Submitted& one : client_.submit(jobs).value()) EXPECT_EQ(wait(one.id), "7");
}

TEST_F(AsyncTest, WhatWorkInTheBackgroundHoldsIsGoneWhenTheCoroutineGoesOn) {
  tasks_.add("hold", [](json, AsyncContext context) -> Awaitable<int> {
    int held_on = 0;
    for (int i = 0; i < 300; ++i) {
      auto token = std::make_shared<int>(i);
      const std::weak_ptr<int> seen = token;
      auto work = [token = std::move(token)] { return *token; };
      auto background = context.in_background(std::move(work));
      co_await std::move(background);
      if (!seen.expired()) ++held_on;
    }
    co_return held_on;
  });
  start();
  EXPECT_EQ(wait(submit("hold")), "0");
}

TEST_F(AsyncTest, ACoroutineRunsAProgramAndHasItsResult) {
  tasks_.add("shell", [](std::string text, AsyncContext context) -> Awaitable<std::string> {
    Program program{.command = {"/bin/sh", "-c", "echo to the log >&2; cat"}};
    auto ran = context.run(program, text);
    const std::string result = co_await std::move(ran);
    co_return result;
  });
  start();
  const JobId id = client_.submit("shell", std::string("[1,2]")).value();
  EXPECT_EQ(client_.wait<std::string>(id, patience).value(), "[1,2]");
  EXPECT_EQ(client_.logs(id).value().items.at(0).text, "to the log");
}

TEST_F(AsyncTest, CancelKillsTheProgramThatACoroutineWaitsFor) {
  tasks_.add("shell", [](json, AsyncContext context) -> Awaitable<void> {
    Program program{.command = {"/bin/sh", "-c", "echo started >&2; exec tail -f /dev/null"}};
    auto ran = context.run(program);
    co_await std::move(ran);
  });
  start();
  const JobId id = submit("shell");
  const SteadyTime give_up = real_clock().steady() + patience;
  while (client_.logs(id).value().items.empty() && real_clock().steady() < give_up) {
    std::this_thread::yield();
  }
  ASSERT_TRUE(client_.cancel(id));
  EXPECT_EQ(failed(id).state, JobState::cancelled);
}

TEST_F(AsyncTest, AProgramThatIsNotThereFailsTheCoroutineForGood) {
  tasks_.add("shell", [](json, AsyncContext context) -> Awaitable<void> {
    Program program{.command = {"/nowhere/program"}};
    auto ran = context.run(program);
    co_await std::move(ran);
  });
  start();
  const Job job = failed(submit("shell"));
  EXPECT_EQ(job.attempt, 1);
  EXPECT_THAT(job.error, ::testing::HasSubstr("does not exist"));
}

TEST_F(AsyncTest, ADrainGivesBackCoroutinesThatStillWait) {
  std::latch running(1);
  tasks_.add("long", [&](json, AsyncContext context) -> Awaitable<void> {
    running.count_down();
    co_await context.wait_for(long_time);
  });
  start({.grace = Duration{1}});
  const JobId id = submit("long");
  running.wait();
  worker_->stop();
  thread_.join();
  EXPECT_TRUE(ended_);
  const Job job = client_.find(id).value();
  EXPECT_EQ(job.state, JobState::ready);
  EXPECT_EQ(job.attempt, 0);
}

TEST_F(AsyncTest, OneCoroutineCanBeRunByHand) {
  tasks_.add("shout", [](std::string text) -> Awaitable<std::string> { co_return text + "!"; });
  const JobId id = client_.submit("shout", std::string("hello")).value();
  Worker worker = Worker::open(url_, tasks_).value();
  EXPECT_TRUE(worker.run_one().value());
  EXPECT_EQ(wait(id), "\"hello!\"");
}

}  // namespace
}  // namespace penstock
