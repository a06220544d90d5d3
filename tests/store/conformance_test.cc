// SPDX-License-Identifier: MIT
//
// Instantiates the suite for every kind of store; and the plain life of a job.
#include "tests/store/conformance.h"

namespace penstock::testing {
namespace {

using namespace std::chrono_literals;

INSTANTIATE_STORE_SUITE(StoreConformance);

TEST_P(StoreConformance, JobGoesFromSubmitToResult) {
  const JobId id = producer.add("greet", {}, "{\"name\":\"Ada\"}");
  EXPECT_EQ(describe(*store), "ready: greet");
  TestSession session(*store);
  const Reserved job = session.take();
  EXPECT_EQ(job.id, id);
  EXPECT_EQ(job.payload, "{\"name\":\"Ada\"}");
  EXPECT_EQ(job.attempt, 1);
  EXPECT_EQ(describe(*store), "running: greet(1)");
  clock.advance(5ms);
  EXPECT_TRUE(session.end(job, rules::Succeeded{"\"hello\""}));
  const Job ended = find_job(*store, id);
  EXPECT_EQ(ended.state, JobState::succeeded);
  EXPECT_EQ(ended.result, "\"hello\"");
  EXPECT_EQ(ended.payload, std::nullopt);
  EXPECT_EQ(ended.progress, 1.0);
  EXPECT_EQ(ended.finished_at, clock.now());
  EXPECT_EQ(store->count({}).value().submitted, 1);
}

TEST_P(StoreConformance, FinishWithLostLeaseWritesNothing) {
  producer.add("a");
  TestSession dead(*store);
  const Reserved job = dead.take();
  EXPECT_EQ(rescue_all(*store, dead.number()), 1);
  const auto late = dead.exchange({decided(*store, job, rules::Succeeded{})});
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Errc::lease_lost);
  EXPECT_EQ(describe(*store), "ready: a!");
  EXPECT_EQ(store->check().value().stale_writes_refused, 1);
}

}  // namespace
}  // namespace penstock::testing
