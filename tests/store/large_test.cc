// SPDX-License-Identifier: MIT
//
// Payloads and results of every size a job may have: wherever a store keeps them, they are the
// job's, come back whole, and go with it.
#include "rules/limits.h"
#include "tests/store/conformance.h"

namespace penstock::testing {
namespace {

class Large : public StoreConformance {};

// Around the sizes at which a store may begin to keep them elsewhere.
constexpr std::size_t sizes[] = {3,    511,   512,   513,   1000,
                                 4096, 16383, 16384, 16385, rules::max_payload_bytes};

std::string text_of(std::size_t bytes, char letter) {
  return '"' + std::string(bytes - 2, letter) + '"';
}

TEST_P(Large, PayloadsAndResultsOfEverySizeComeBackWhole) {
  TestSession session(*store);
  for (const std::size_t bytes : sizes) {
    const std::string payload = text_of(bytes, 'p'), result = text_of(bytes, 'r');
    const JobId id = producer.add("a", {}, payload);
    EXPECT_TRUE(find_job(*store, id).payload == payload) << bytes;
    const Reserved job = session.take();
    EXPECT_TRUE(job.payload == payload) << bytes;
    ASSERT_EQ(session.held().size(), 1U);
    EXPECT_TRUE(session.held()[0].payload == payload) << bytes;
    ASSERT_TRUE(session.end(job, rules::Succeeded{.result = result}));
    EXPECT_TRUE(find_job(*store, id).result == result) << bytes;
    EXPECT_FALSE(find_job(*store, id).payload) << bytes;
  }
}

TEST_P(Large, APayloadOutlivesFailuresRescuesAndRetries) {
  for (const std::size_t bytes : sizes) {
    const std::string payload = text_of(bytes, 'p');
    const JobId id = producer.add("a", {.max_attempts = 1}, payload);
    TestSession dies(*store);
    dies.take();
    rescue_all(*store, dies.number());
    TestSession session(*store);
    Reserved job = session.take();
    EXPECT_TRUE(job.payload == payload) << bytes;
    ASSERT_TRUE(session.end(job, rules::Failed{.error = "no luck"}));
    EXPECT_TRUE(find_job(*store, id).payload == payload) << bytes;
    EXPECT_EQ(producer.retry(id), "ok");
    job = session.take();
    EXPECT_TRUE(job.payload == payload) << bytes;
    ASSERT_TRUE(session.end(job, rules::Failed{.error = "again"}));
    ASSERT_TRUE(session.close());
  }
}

TEST_P(Large, AJobThatKeepsAllHasBoth) {
  TestSession session(*store);
  for (const std::size_t bytes : sizes) {
    const std::string payload = text_of(bytes, 'p'), result = text_of(bytes, 'r');
    const JobId id = producer.add("a", {.keep_full = true}, payload);
    ASSERT_TRUE(session.end(session.take(), rules::Succeeded{.result = result}));
    EXPECT_TRUE(find_job(*store, id).payload == payload) << bytes;
    EXPECT_TRUE(find_job(*store, id).result == result) << bytes;
    EXPECT_EQ(producer.remove(id), "ok");
    EXPECT_EQ(state_of(*store, id), "gone");
  }
}

TEST_P(Large, RetentionCountsTheirBytes) {
  TestSession session(*store);
  std::vector<JobId> ids;
  for (int i = 0; i < 4; ++i) {
    ids.push_back(producer.add("a", {}, text_of(20'000, 'p')));
    ASSERT_TRUE(session.end(session.take(), rules::Succeeded{.result = text_of(20'000, 'r')}));
    clock.advance(Duration{10});
  }
  Retention retention;
  retention.succeeded.bytes = 45'000;
  ASSERT_TRUE(store->prune({.retention = retention}, clock.now(), {}));
  EXPECT_EQ(state_of(*store, ids[1]), "gone");
  EXPECT_EQ(state_of(*store, ids[2]), "succeeded");
  EXPECT_TRUE(find_job(*store, ids[3]).result == text_of(20'000, 'r'));
}

INSTANTIATE_STORE_SUITE(Large);

}  // namespace
}  // namespace penstock::testing
