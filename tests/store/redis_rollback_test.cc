// SPDX-License-Identifier: MIT
//
// A server that comes back with older files has forgotten what it has handed out: ids, sessions and
// fences must not be handed out again, to anybody.
#include "store/open.h"
#include "tests/support/describe.h"
#include "tests/support/redis_server.h"
#include "tests/support/store_fixture.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <set>

namespace penstock::testing {
namespace {

class RedisRollback : public ::testing::Test {
 protected:
  void keep_copy() {
    std::filesystem::copy(files(), copy(), std::filesystem::copy_options::recursive);
  }
  void roll_back() {
    server_.kill();
    std::filesystem::remove_all(files());
    std::filesystem::copy(copy(), files(), std::filesystem::copy_options::recursive);
    server_.start();
    // The old connection says once that it is broken.
    EXPECT_EQ(store_->count({}).error().code, Errc::unavailable);
  }

  JobId add(const std::string& task, const std::string& queue = "default") {
    JobId id = producer_.add(task, {.queue = queue});
    EXPECT_TRUE(ids_.insert(id.text).second) << "the id of " << task << " was another's";
    return id;
  }
  void hand_out(std::uint64_t fence) {
    EXPECT_TRUE(fences_.insert(fence).second) << fence << " was another's";
  }
  Reserved take(TestSession& session) {
    Reserved job = session.take();
    hand_out(static_cast<std::uint64_t>(job.fence));
    return job;
  }
  TestSession open(std::vector<std::string> queues = {"default"}) {
    TestSession session(*store_, {.queues = std::move(queues)});
    hand_out(static_cast<std::uint64_t>(session.number()));
    return session;
  }
  [[nodiscard]] int ends_of(const JobId& id) {
    const auto events = all_events(*store_);
    return static_cast<int>(std::ranges::count_if(events, [&](const Event& event) {
      return event.job == id && event.to == JobState::succeeded;
    }));
  }

  std::filesystem::path files() { return server_.folder() / "appendonlydir"; }
  std::filesystem::path copy() { return folder_.path() / "copy"; }

  TempFolder folder_;
  RedisServer server_{{.appendfsync = "always"}};
  std::unique_ptr<Store> store_ = open_store(server_.url("p")).value();
  Producer producer_{*store_};
  std::set<std::string> ids_;
  std::set<std::uint64_t> fences_;
};

TEST_F(RedisRollback, NeverHandsOutTheSameNumberTwice) {
  TestSession session = open();
  add("a");
  keep_copy();
  std::vector<JobId> forgotten;
  for (const char* round : {"first", "second"}) {
    for (int i = 0; i < 3; ++i) forgotten.push_back(add(round));
    forgotten.push_back(add(round, std::string("queue-") + round));
    open();
    take(session);
    const std::uint64_t largest = *fences_.rbegin();
    roll_back();
    // In front of everything else: a worker goes on with what it did.
    const Reserved job = take(session);
    if (round == std::string("first")) {
      EXPECT_GT(static_cast<std::uint64_t>(job.fence), largest);
    }
    add("more");
    open();
    add("more", "queue-more");
    for (const JobId& id : forgotten) EXPECT_EQ(state_of(*store_, id), "none");
  }
}

TEST_F(RedisRollback, JobsThatAreRememberedEndOnce) {
  TestSession session = open();
  const JobId a = add("a"), b = add("b");
  const Reserved held = take(session);
  keep_copy();
  EXPECT_TRUE(session.end(held, rules::Succeeded{}));
  const Reserved forgotten = take(session);
  TestSession stranger = open();
  roll_back();
  EXPECT_EQ(describe(*store_), "ready: b | running: a(1)");
  EXPECT_FALSE(session.end(forgotten, rules::Succeeded{})) << "it is not held any more";
  EXPECT_EQ(session.held().size(), 1U);
  EXPECT_TRUE(session.end(held, rules::Succeeded{}));
  EXPECT_TRUE(session.end(take(session), rules::Succeeded{}));
  EXPECT_EQ(describe(*store_), "succeeded: a(1) b(1)");
  EXPECT_EQ(ends_of(a), 1);
  EXPECT_EQ(ends_of(b), 1);
  EXPECT_FALSE(stranger.beat().alive);
  EXPECT_EQ(stranger.exchange({}).error().code, Errc::lease_lost);
}

TEST_F(RedisRollback, AQueueThatTakesTheNumberOfAForgottenOneIsNotTakenForIt) {
  TestSession session = open({"other"});
  add("a");
  keep_copy();
  const JobId old = add("b", "forgotten");
  EXPECT_EQ(find_job(*store_, old).queue, "forgotten");
  roll_back();
  const JobId id = add("c", "other");
  EXPECT_EQ(find_job(*store_, id).queue, "other");
  EXPECT_EQ(take(session).queue, "other");
  EXPECT_EQ(state_of(*store_, old), "none");
}

}  // namespace
}  // namespace penstock::testing
