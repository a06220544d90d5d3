// SPDX-License-Identifier: MIT
//
// A server at its maxmemory takes no new jobs, and says so; what is there goes on until there is
// room again.
#include "store/open.h"
#include "tests/support/describe.h"
#include "tests/support/redis_server.h"
#include "tests/support/store_fixture.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <optional>

namespace penstock::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class RedisMemory : public ::testing::Test {
 protected:
  // Room for some hundred jobs beside what a test has made already.
  void limit_memory() {
    const std::string report = server_.command({"INFO", "memory"});
    const std::string field = "used_memory:";
    const long long used = std::stoll(report.substr(report.find(field) + field.size()));
    set_limit(used + (2 << 20));
  }
  void set_limit(long long bytes) {
    EXPECT_EQ(server_.command({"CONFIG", "SET", "maxmemory", std::to_string(bytes)}), "OK");
  }
  // The error that the first refused job is answered with.
  std::optional<Error> submit_large(int most) {
    for (int i = 0; i < most; ++i) {
      const auto job = new_job(store_->clock(), "large", {}, quoted(9000));
      const auto answer = store_->submit({.request = producer_.next(), .jobs = {&job, 1}});
      if (!answer) return answer.error();
    }
    return {};
  }
  void fill() {
    limit_memory();
    const auto refused = submit_large(2000);
    ASSERT_TRUE(refused) << "it is not full";
    EXPECT_EQ(refused->code, Errc::limited);
    EXPECT_THAT(refused->message, HasSubstr("maxmemory"));
  }

  RedisServer server_{{.config = {"maxmemory-policy noeviction"}}};
  std::unique_ptr<Store> store_ = open_store(server_.url("p")).value();
  Producer producer_{*store_};
};

TEST_F(RedisMemory, FullServerRefusesNewJobsAndFinishesThoseThatItHas) {
  TestSession session(*store_);
  fill();
  EXPECT_TRUE(submit_large(1)) << "it stays full";
  const std::int64_t taken_in = store_->count({})->of(JobState::ready);
  EXPECT_EQ(describe(store_->count({}).value()), recount(*store_));
  std::int64_t ended = 0;
  for (auto jobs = session.reserve(50); !jobs.empty(); jobs = session.reserve(50)) {
    EXPECT_TRUE(session.beat().alive);
    for (const Reserved& job : jobs) ended += session.end(job, rules::Succeeded{"[1]"}) ? 1 : 0;
  }
  EXPECT_EQ(ended, taken_in);
  EXPECT_EQ(store_->count({})->of(JobState::succeeded), taken_in);
  while (store_->prune({.state = JobState::succeeded}, store_->clock().now() + 1s, {})->more) {
  }
  EXPECT_EQ(store_->count({})->of(JobState::succeeded), 0);
  EXPECT_FALSE(submit_large(20)) << "there is room again";
}

TEST_F(RedisMemory, EveryOtherVerbGoesOnWhileTheServerIsFull) {
  TestSession session(*store_), silent(*store_);
  const JobId later = producer_.add("later", {.start = Duration(1h)});
  const JobId sooner = producer_.add("sooner", {.start = Duration(2h)});
  const JobId lost = producer_.add("lost");
  ASSERT_EQ(silent.take().id, lost);
  const JobId failing = producer_.add("failing");
  const Reserved job = session.take();
  fill();
  const Note note{.key = job.key, .fence = job.fence, .progress = 0.5, .message = "half"};
  EXPECT_TRUE(store_->note(session.id(), {&note, 1}));
  EXPECT_EQ(session.held().size(), 1U);
  EXPECT_TRUE(session.end(job, rules::Failed{"no", false}));
  EXPECT_EQ(producer_.retry(failing), "ok");
  EXPECT_EQ(producer_.promote(sooner), "ok");
  EXPECT_EQ(producer_.cancel(failing), "ok");
  EXPECT_EQ(producer_.remove(failing), "ok");
  producer_.configure(QueueSetting{.queue = "default", .paused = true});
  producer_.configure(QueueSetting{.queue = "default", .paused = false});
  EXPECT_EQ(rescue_all(*store_, silent.number(), "signal 9"), 1);
  EXPECT_EQ(state_of(*store_, lost), "ready");
  EXPECT_EQ(store_->promote({}, store_->clock().now() + 90min, {})->done, 1);
  EXPECT_EQ(state_of(*store_, later), "ready");
  EXPECT_EQ(state_of(*store_, sooner), "ready");
  EXPECT_EQ(state_of(*store_, failing), "gone");
  EXPECT_EQ(find_job(*store_, lost).crashes, 1);
  EXPECT_TRUE(submit_large(1)) << "it is full still";
  EXPECT_TRUE(TestSession(*store_).close());
  EXPECT_TRUE(session.close());
  EXPECT_EQ(describe(store_->count({}).value()), recount(*store_));
}

}  // namespace
}  // namespace penstock::testing
