// SPDX-License-Identifier: MIT
#include "upkeep/rescuer.h"

#include "tests/support/store_fixture.h"
#include "upkeep/tender.h"

#include <gtest/gtest.h>

namespace penstock {
namespace {

using testing::StoreKind;
using testing::StoreUnderTest;
using testing::TestSession;

constexpr SessionNumber peer{7};

// A watcher that is answered every half second, each time within `took`.
class Watcher {
 public:
  std::size_t see(std::uint64_t beat, Duration gap = Duration{500}, Duration took = Duration{1}) {
    now_ += gap;
    const Watched seen[] = {{.session = peer, .beat = beat}};
    return rescuer_.observe(seen, now_ - took, now_).size();
  }

 private:
  Rescuer rescuer_;
  SteadyTime now_{std::chrono::hours{1}};
};

TEST(Rescuer, ABeatThatStandsStillForFiveAnswersAndTheSpanIsDead) {
  Watcher watcher;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(watcher.see(3), 0U) << "answer " << i;
  EXPECT_EQ(watcher.see(3), 1U);
}

TEST(Rescuer, FiveAnswersInAShortTimeProveNothing) {
  Watcher watcher;
  for (int i = 0; i < 20; ++i) EXPECT_EQ(watcher.see(3, Duration{100}), 0U);
}

TEST(Rescuer, ABeatThatMovesStartsTheWatchAgain) {
  Watcher watcher;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(watcher.see(3), 0U);
  EXPECT_EQ(watcher.see(4), 0U);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(watcher.see(4), 0U);
  EXPECT_EQ(watcher.see(4), 1U);
}

TEST(Rescuer, AStallOfTheStoreStartsAllWatchesAgain) {
  Watcher watcher;
  for (int i = 0; i < 5; ++i) EXPECT_EQ(watcher.see(3), 0U);
  EXPECT_EQ(watcher.see(3, Duration{5000}), 0U) << "the watcher itself was not answered";
  for (int i = 0; i < 4; ++i) EXPECT_EQ(watcher.see(3), 0U);
  EXPECT_EQ(watcher.see(3), 1U);
}

TEST(Rescuer, AnAnswerThatCameLateCountsForNothing) {
  Watcher watcher;
  for (int i = 0; i < 12; ++i) EXPECT_EQ(watcher.see(3, Duration{700}, Duration{600}), 0U);
}

TEST(Rescuer, ASessionThatIsRetiredButStillHoldsJobsIsRescuedAtOnce) {
  Rescuer rescuer;
  const Watched seen[] = {{.session = peer, .beat = 3, .retired = true}};
  EXPECT_EQ(rescuer.observe(seen, SteadyTime{}, SteadyTime{}).size(), 1U);
}

TEST(Tender, PromotesOnlyWhileItHoldsTheLease) {
  StoreUnderTest store(StoreKind::sqlite_memory);
  testing::Producer producer(*store);
  const JobId job = producer.add("later", {.start = Duration{1000}});
  store.clock().advance(Duration{1500});
  Tender tender(*store, {});
  ASSERT_TRUE(tender.step({.next_due = store.clock().now()}));
  EXPECT_EQ(testing::state_of(*store, job), "scheduled");
  ASSERT_TRUE(tender.step({.holds_lease = true, .next_due = store.clock().now()}));
  EXPECT_EQ(testing::state_of(*store, job), "ready");
}

TEST(Tender, ComesBackWhenTheNextJobIsDue) {
  StoreUnderTest store(StoreKind::sqlite_memory);
  testing::Producer producer(*store);
  producer.add("later", {.start = Duration{700}});
  Tender tender(*store, {});
  const auto rest =
      tender.step({.holds_lease = true, .next_due = store.clock().now() + Duration{700}});
  ASSERT_TRUE(rest);
  EXPECT_EQ(*rest, Duration{700});
}

TEST(Tender, PrunesWhatIsPastItsRetention) {
  StoreUnderTest store(StoreKind::sqlite_memory);
  testing::Producer producer(*store);
  const JobId job = producer.add("done");
  TestSession session(*store);
  ASSERT_TRUE(session.end(session.take(), rules::Succeeded{}));
  store.clock().advance(Duration{2LL * 3'600'000});
  Tender tender(*store, {});
  ASSERT_TRUE(tender.step({.holds_lease = true}));
  EXPECT_EQ(testing::state_of(*store, job), "gone");
}

TEST(Tender, GivesBackWhatADeadSessionHeld) {
  StoreUnderTest store(StoreKind::sqlite_memory);
  testing::Producer producer(*store);
  const JobId job = producer.add("held");
  TestSession session(*store);
  session.take();
  Tender tender(*store, {});
  const Watched dead{.session = session.number(),
                     .beat = testing::beat_of(*store, session.number())};
  ASSERT_TRUE(tender.step({.dead = {dead}}));
  EXPECT_EQ(testing::state_of(*store, job), "ready");
  EXPECT_EQ(testing::find_job(*store, job).crashes, 1);
}

}  // namespace
}  // namespace penstock
