// SPDX-License-Identifier: MIT
//
// What a heart makes of beats that get lost.
#include "worker/heart.h"
#include "tests/support/faulty_store.h"
#include "tests/support/store_fixture.h"

#include <gtest/gtest.h>

namespace penstock::testing {
namespace {

class HeartTest : public ::testing::Test {
 protected:
  HeartTest() { pulse_.set_own({.session = store_.open({.worker = "w"}).value()}); }

  StoreUnderTest under_test_{StoreKind::sqlite_memory};
  FaultyStore store_{under_test_.another()};
  Pulse pulse_;
  Heart heart_{store_, pulse_, [] {}, [] {}};
};

TEST_F(HeartTest, BeatsAgainAtOnceWhenTheWireWasCut) {
  for (const auto kind : {Fault::Kind::request_lost, Fault::Kind::reply_lost}) {
    under_test_.clock().advance(Duration{500});
    store_.lose({.kind = kind, .call = 1});
    heart_.step();
    EXPECT_EQ(store_.calls(), 2);
    EXPECT_EQ(pulse_.heard().last_contact, under_test_.clock().steady());
  }
}

TEST_F(HeartTest, LeavesAStoreThatIsAwayUntilTheNextBeat) {
  int asked = 0;
  store_.lose_by([&](std::int64_t) {
    ++asked;
    return Fault::Kind::request_lost;
  });
  heart_.step();
  EXPECT_EQ(asked, 2);
}

TEST_F(HeartTest, DoesNotRepeatABeatThatHasWaitedLong) {
  int asked = 0;
  store_.lose_by([&](std::int64_t) {
    ++asked;
    under_test_.clock().advance(Duration{5000});
    return Fault::Kind::request_lost;
  });
  heart_.step();
  EXPECT_EQ(asked, 1);
}

}  // namespace
}  // namespace penstock::testing
