// SPDX-License-Identifier: MIT
//
// A worker whose calls go wrong all the time: the server forgets its scripts, connections are
// killed between calls, and cut after a call was sent, before or after the server has done it. Each
// job ends once nevertheless.
#include "store/open.h"
#include "tests/support/losing_proxy.h"
#include "tests/support/redis_server.h"
#include "tests/support/store_fixture.h"

#include <penstock/json.h>
#include <penstock/log.h>
#include <penstock/worker.h>

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

namespace penstock::testing {
namespace {

using Fate = LosingProxy::Fate;
constexpr int jobs = 200;
constexpr Duration patience{30'000};

/// Asked before a piece with calls of scripts goes on to the server; they are numbered from 1.
using Trouble = std::function<Fate(const RedisServer& server, int call)>;

void expect_each_job_ends_once(const Trouble& trouble) {
  set_log_level(LogLevel::off);
  const RedisServer server;
  Client client = Client::open(server.url("p")).value();
  std::vector<JobId> ids;
  for (int i = 0; i < jobs; ++i) ids.push_back(client.submit("count", json()).value());
  int calls = 0;
  std::atomic<bool> over = false;
  const LosingProxy proxy(server.socket(), [&](std::string_view request) {
    const bool is_call = request.find("EVALSHA") != std::string_view::npos;
    return is_call && !over ? trouble(server, ++calls) : Fate::pass;
  });
  std::mutex mutex;
  std::map<std::string, int> runs;
  Tasks tasks;
  tasks.add("count", [&](const json&, JobContext& context) {
    const std::lock_guard lock(mutex);
    ++runs[context.job().id.text];
  });
  Worker worker = Worker::open(proxy.url("p"), std::move(tasks), {.concurrency = 4}).value();
  Result<void> ended;
  std::jthread thread([&] { ended = worker.run(); });
  for (const JobId& id : ids) {
    auto result = client.wait<json>(id, patience);
    // Its connection is cut as well, and its scripts are forgotten.
    while (!result && result.error().code == Errc::unavailable) {
      result = client.wait<json>(id, patience);
    }
    EXPECT_TRUE(result) << result.error().message;
  }
  over = true;
  worker.stop();
  thread.join();
  EXPECT_TRUE(ended);

  const auto store = open_store(server.url("p")).value();
  std::map<std::string, int> ends;
  for (const Event& event : all_events(*store)) {
    if (event.type == Event::Type::job && event.to && rules::is_terminal(*event.to)) {
      ++ends[event.job.text];
    }
  }
  EXPECT_EQ(ends.size(), ids.size());
  for (const JobId& id : ids) {
    EXPECT_EQ(state_of(*store, id), "succeeded");
    EXPECT_EQ(ends[id.text], 1) << id.text;
    EXPECT_EQ(runs[id.text], 1) << id.text;
  }
  EXPECT_EQ(store->count({})->of(JobState::succeeded), jobs);
  EXPECT_EQ(store->check()->sessions_lost, 0);
}

TEST(RedisWorker, EndsEachJobOnceWhenTheServerForgetsItsScriptsBeforeEveryCall) {
  expect_each_job_ends_once([](const RedisServer& server, int) {
    EXPECT_EQ(server.command({"SCRIPT", "FLUSH"}), "OK");
    return Fate::pass;
  });
}

TEST(RedisWorker, EndsEachJobOnceWhenConnectionsAreKilledBetweenItsCalls) {
  expect_each_job_ends_once([](const RedisServer& server, int call) {
    if (call % 7 == 0) (void)server.command({"CLIENT", "KILL", "TYPE", "normal"});
    return Fate::pass;
  });
}

// From the fourth on: before, the session opens, and one that nobody knows of would be lost.
TEST(RedisWorker, EndsEachJobOnceWhenRepliesAreLost) {
  expect_each_job_ends_once([](const RedisServer&, int call) {
    return call > 3 && call % 10 == 0 ? Fate::lose_reply : Fate::pass;
  });
}

TEST(RedisWorker, EndsEachJobOnceWhenRequestsAreLost) {
  expect_each_job_ends_once([](const RedisServer&, int call) {
    return call > 3 && call % 10 == 0 ? Fate::lose_request : Fate::pass;
  });
}

}  // namespace
}  // namespace penstock::testing
