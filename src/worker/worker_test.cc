// SPDX-License-Identifier: MIT
//
// Workers with real threads and real time.
#include "tests/support/worker_fixture.h"

#include <atomic>
#include <latch>

namespace penstock {
namespace {

using WorkerTest = testing::WorkerFixture;
using testing::patience;

TEST_F(WorkerTest, RunsAJobAndKeepsItsResult) {
  tasks_.add("greet", [](const std::string& name) { return "hello " + name; });
  start();
  const JobId id = client_.submit("greet", std::string("you")).value();
  EXPECT_EQ(client_.wait<std::string>(id, patience).value(), "hello you");
  EXPECT_EQ(find(id).attempt, 1);
}

TEST_F(WorkerTest, RetriesAFailureByItsPolicy) {
  tasks_.add("flaky", [](const json&, JobContext& context) {
    if (context.job().attempt < 3) throw std::runtime_error("not yet");
    return context.job().attempt;
  });
  start();
  const JobId id =
      submit("flaky", {.backoff = Backoff{.kind = Backoff::Kind::none, .first = Duration{0}}});
  EXPECT_EQ(client_.wait<int>(id, patience).value(), 3);
}

TEST_F(WorkerTest, CancelReachesAHandlerThatRuns) {
  std::latch running(1);
  tasks_.add("long", [&](const json&, JobContext& context) {
    running.count_down();
    while (!context.stop().stop_requested()) std::this_thread::yield();
    throw std::runtime_error("stopped");
  });
  start();
  const JobId id = submit("long");
  running.wait();
  ASSERT_TRUE(client_.cancel(id));
  EXPECT_EQ(wait_error(id), Errc::job_failed);
  EXPECT_EQ(find(id).state, JobState::cancelled);
}

TEST_F(WorkerTest, AnAttemptOverItsTimeIsStoppedAndFails) {
  tasks_.add("long", [](const json&, JobContext& context) {
    while (!context.stop().stop_requested()) std::this_thread::yield();
    return 1;
  });
  start();
  const JobId id = submit("long", {.max_attempts = 1, .timeout = Duration{50}});
  EXPECT_EQ(wait_error(id), Errc::job_failed);
  EXPECT_EQ(find(id).error, "timed out after 50ms");
}

TEST_F(WorkerTest, ProgressAndLogLinesAreThereWhenTheJobHasEnded) {
  tasks_.add("chatty", [](const json&, JobContext& context) {
    context.progress(0.5, "half");
    context.log("a line");
    throw NoRetry("enough");
  });
  start();
  const JobId id = submit("chatty");
  EXPECT_EQ(wait_error(id), Errc::job_failed);
  EXPECT_EQ(find(id).progress, 0.5);
  const auto lines = client_.logs(id).value().items;
  ASSERT_EQ(lines.size(), 1U);
  EXPECT_EQ(lines[0].text, "a line");
}

TEST_F(WorkerTest, ATaskThatNobodyOffersFailsAndNamesWhatIsOffered) {
  tasks_.add("known", [](const json&) {});
  start();
  const JobId id = submit("unknown");
  EXPECT_EQ(wait_error(id), Errc::job_failed);
  EXPECT_EQ(find(id).error, "no handler named \"unknown\" (offered: known)");
  EXPECT_EQ(find(id).attempt, 0);
}

TEST_F(WorkerTest, StopWaitsForWhatRunsAndTakesNothingNew) {
  std::latch running(1), go_on(1);
  tasks_.add("held", [&](const json&) {
    running.count_down();
    go_on.wait();
    return 1;
  });
  tasks_.add("next", [](const json&) {});
  start({.concurrency = 1});
  const JobId held = submit("held");
  running.wait();
  worker_->stop();
  const JobId next = submit("next");
  go_on.count_down();
  join();
  EXPECT_TRUE(ended_);
  EXPECT_EQ(find(held).state, JobState::succeeded);
  EXPECT_EQ(find(next).state, JobState::ready);
  EXPECT_TRUE(client_.workers().value().empty()) << "the session is closed";
}

TEST_F(WorkerTest, ASecondStopGivesBackWithoutUsingAnAttempt) {
  std::latch running(1);
  tasks_.add("long", [&](const json&, JobContext& context) {
    running.count_down();
    while (!context.stop().stop_requested()) std::this_thread::yield();
  });
  start();
  const JobId id = submit("long");
  running.wait();
  worker_->stop();
  worker_->stop();
  join();
  EXPECT_EQ(find(id).state, JobState::ready);
  EXPECT_EQ(find(id).attempt, 0);
  EXPECT_EQ(find(id).crashes, 0);
}

TEST_F(WorkerTest, ADrainGivesBackAfterItsGrace) {
  std::latch running(1);
  tasks_.add("long", [&](const json&, JobContext& context) {
    running.count_down();
    while (!context.stop().stop_requested()) std::this_thread::yield();
  });
  start({.concurrency = 1, .grace = Duration{50}});
  const JobId id = submit("long");
  running.wait();
  worker_->stop();
  join();
  EXPECT_EQ(find(id).state, JobState::ready);
}

TEST_F(WorkerTest, AQuietWorkerFinishesWhatItHasAndFetchesNothing) {
  std::latch running(1), go_on(1);
  tasks_.add("held", [&](const json&) {
    running.count_down();
    go_on.wait();
  });
  tasks_.add("next", [](const json&) {});
  start({.concurrency = 1});
  const JobId held = submit("held");
  running.wait();
  worker_->quiet();
  const JobId next = submit("next");
  go_on.count_down();
  ASSERT_TRUE(client_.wait<json>(held, patience));
  EXPECT_EQ(find(next).state, JobState::ready);
  worker_->quiet(false);
  EXPECT_TRUE(client_.wait<json>(next, patience));
}

TEST_F(WorkerTest, BurstEndsWhenNothingIsReady) {
  tasks_.add("one", [](const json&) {});
  for (int i = 0; i < 300; ++i) submit("one");
  start({.lifetime = {.burst = true}});
  join();
  EXPECT_TRUE(ended_);
  EXPECT_EQ(worker_->stats().tasks_processed, 300);
}

TEST_F(WorkerTest, MaxJobsEndsAfterExactlySoMany) {
  tasks_.add("one", [](const json&) {});
  for (int i = 0; i < 20; ++i) submit("one");
  start({.lifetime = {.max_jobs = 7}});
  join();
  EXPECT_EQ(worker_->stats().tasks_processed, 7);
  EXPECT_EQ(client_.queues().value().at(0).ready, 13);
}

TEST_F(WorkerTest, RunOneTakesOneJobInTheCallersThread) {
  std::thread::id ran_in;
  tasks_.add("one", [&](const json&) { ran_in = std::this_thread::get_id(); });
  worker_ = std::make_unique<Worker>(Worker::open(url_, tasks_).value());
  EXPECT_FALSE(worker_->run_one().value());
  const JobId first = submit("one");
  const JobId second = submit("one");
  EXPECT_TRUE(worker_->run_one().value());
  EXPECT_EQ(ran_in, std::this_thread::get_id());
  EXPECT_EQ(find(first).state, JobState::succeeded);
  EXPECT_EQ(find(second).state, JobState::ready);
  EXPECT_TRUE(worker_->run_one().value());
  EXPECT_FALSE(worker_->run_one().value());
}

TEST_F(WorkerTest, ThirtyThreadsOfOneClientSubmitWithoutLosingAJob) {
  std::atomic<int> ran{0};
  tasks_.add("count", [&](const json&) { ++ran; });
  start({.concurrency = 4});
  std::vector<std::jthread> threads;
  std::atomic<int> failed{0};
  for (int t = 0; t < 30; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) {
        const auto id = client_.submit("count", json());
        if (!id || !client_.wait<json>(*id, patience)) ++failed;
      }
    });
  }
  threads.clear();
  EXPECT_EQ(failed, 0);
  EXPECT_EQ(ran, 600);
}

TEST_F(WorkerTest, AJobOfAPoolIsOnlyTakenByThatPool) {
  tasks_.add("one", [](const json&) {});
  start();
  const JobId pooled = submit("one", {.pool = "gpu"});
  const JobId plain = submit("one");
  ASSERT_TRUE(client_.wait<json>(plain, patience));
  EXPECT_EQ(find(pooled).state, JobState::ready);
  auto gpu = Worker::open(url_, tasks_, {.pools = {"gpu"}}).value();
  EXPECT_TRUE(gpu.run_one().value());
  EXPECT_EQ(find(pooled).state, JobState::succeeded);
}

TEST_F(WorkerTest, AResultOfAnUnansweredKindIsAnError) {
  tasks_.add("text", [](const json&) { return std::string("no number"); });
  start();
  const auto result = client_.wait<int>(submit("text"), patience);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::invalid);
}

TEST_F(WorkerTest, WaitingForTooLongTimesOut) {
  const auto result = client_.wait<int>(submit("nobody"), Duration{10});
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Errc::timed_out);
}

TEST_F(WorkerTest, OptionsThatMakeNoSenseAreRefused) {
  EXPECT_EQ(Worker::open(url_, tasks_, {.queues = {}}).error().code, Errc::invalid);
  EXPECT_EQ(Worker::open(url_, tasks_, {.queues = {{"a b"}}}).error().code, Errc::invalid);
  EXPECT_EQ(Worker::open(url_, tasks_, {.concurrency = -1}).error().code, Errc::invalid);
}

}  // namespace
}  // namespace penstock
