// SPDX-License-Identifier: MIT
//
// wait: wakes for a commit of any connection, for its ring, and at its deadline; and never misses
// what happened between looking and waiting.
#include "tests/store/conformance.h"

#include <functional>
#include <thread>

namespace penstock::testing {
namespace {

using namespace std::chrono_literals;

class Waiting : public StoreConformance {
 protected:
  // Far enough that a wake-up which got lost fails the test instead of passing late.
  static SteadyTime far() { return real_clock().steady() + 20s; }
  Bell bell() { return store->events({}).value().seen; }
  std::unique_ptr<Store> second = store.another();
  std::unique_ptr<Ring> ring = store->make_ring();
  const Want any{.queues = {"default"}};
};

INSTANTIATE_STORE_SUITE(Waiting);

TEST_P(Waiting, EndsAtItsDeadline) {
  EXPECT_EQ(store->wait({.seen = bell(), .work = &any}, real_clock().steady() + 5ms, *ring).value(),
            Woken::deadline);
}

TEST_P(Waiting, DoesNotMissWhatCameBetweenLookingAndWaiting) {
  TestSession session(*store);
  const Bell heard = bell();
  const Bell seen = session.exchange({}, session.want(1)).value().seen;
  Producer(*second).add("a");
  EXPECT_EQ(store->wait({.seen = seen, .work = &any}, far(), *ring).value(), Woken::store);
  EXPECT_EQ(store->wait({.seen = heard, .events = true}, far(), *ring).value(), Woken::store);
}

TEST_P(Waiting, RingThatCameFirstIsHeard) {
  ring->ring();
  EXPECT_EQ(store->wait({.seen = bell()}, far(), *ring).value(), Woken::ring);
  EXPECT_EQ(store->wait({.seen = bell()}, real_clock().steady() + 5ms, *ring).value(),
            Woken::deadline);
}

TEST_P(Waiting, WakesForACommitOfAnotherConnection) {
  for (int round = 0; round < 50; ++round) {
    TestSession session(*store);
    const Bell seen = session.exchange({}, session.want(1)).value().seen;
    std::jthread other([&] { Producer(*second).add("a"); });
    EXPECT_EQ(store->wait({.seen = seen, .work = &any}, far(), *ring).value(), Woken::store);
    EXPECT_EQ(session.reserve(9).size(), 1U);
    session.close().value();
    const JobId id = all_jobs(*store).front().id;
    other.join();
    EXPECT_EQ(producer.remove(id), "ok");
  }
}

TEST_P(Waiting, WakesForItsRing) {
  for (int round = 0; round < 50; ++round) {
    std::jthread other([&] { ring->ring(); });
    EXPECT_EQ(store->wait({.seen = bell(), .work = &any}, far(), *ring).value(), Woken::ring);
  }
}

TEST_P(Waiting, RingOfAnotherDoesNotEndIt) {
  const auto stranger = store->make_ring();
  std::jthread other([&] {
    stranger->ring();
    ring->ring();
  });
  EXPECT_EQ(store->wait({.seen = bell(), .work = &any}, far(), *ring).value(), Woken::ring);
}

TEST_P(Waiting, WhatMakesJobsReadyConcernsWork) {
  TestSession session(*store);
  const auto wakes = [&](const std::function<void()>& act) {
    const Bell seen = bell();
    act();
    return store->wait({.seen = seen, .work = &any}, real_clock().steady(), *ring).value() ==
           Woken::store;
  };
  JobId id;
  EXPECT_TRUE(wakes([&] { id = producer.add("a"); }));
  Reserved job;
  EXPECT_FALSE(wakes([&] { job = session.take(); }));
  EXPECT_TRUE(wakes([&] { session.end(job, rules::Interrupted{}); }));
  EXPECT_FALSE(wakes([&] { producer.cancel(id); }));
  EXPECT_TRUE(wakes([&] { producer.retry(id); }));
  EXPECT_TRUE(wakes([&] { session.take(), rescue_all(*store, session.number()); }));
  EXPECT_FALSE(wakes([&] { id = producer.add("b", {.start = 1h}); }));
  EXPECT_TRUE(wakes([&] { producer.promote(id); }));
  EXPECT_FALSE(
      wakes([&] { producer.configure(QueueSetting{.queue = "default", .paused = true}); }));
  EXPECT_TRUE(
      wakes([&] { producer.configure(QueueSetting{.queue = "default", .paused = false}); }));
}

TEST_P(Waiting, WhatIsScheduledConcernsDue) {
  const auto wakes = [&](SubmitOptions options) {
    const Bell seen = bell();
    producer.add("a", std::move(options));
    return store->wait({.seen = seen, .due = true}, real_clock().steady(), *ring).value() ==
           Woken::store;
  };
  EXPECT_FALSE(wakes({}));
  EXPECT_TRUE(wakes({.start = 1h}));
  EXPECT_TRUE(wakes({.expires = 1h}));
}

}  // namespace
}  // namespace penstock::testing
