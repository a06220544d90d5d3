// SPDX-License-Identifier: MIT
//
// Reading: pages that stay stable while jobs come and go, counters, the event stream, and health.
#include "rules/job_state.h"
#include "tests/store/conformance.h"

namespace penstock::testing {
namespace {

using namespace std::chrono_literals;

class Reading : public StoreConformance {
 protected:
  Page<Job> list(const Filter& filter) { return std::get<Page<Job>>(store->list(filter).value()); }
  // The tasks of all pages; a bar between two pages.
  std::string pages(Filter filter) {
    std::string all;
    while (true) {
      const auto page = list(filter);
      for (const Job& job : page.items) all += job.task + ' ';
      if (page.next_cursor.empty()) return all;
      all += "| ";
      filter.cursor = page.next_cursor;
    }
  }
  TestSession session{*store};
};

INSTANTIATE_STORE_SUITE(Reading);

TEST_P(Reading, ListIsNewestFirstOverAllQueues) {
  producer.add("a", {.queue = "x"});
  clock.advance(1ms);
  producer.add("b", {.queue = "y", .priority = 9});
  clock.advance(1ms);
  producer.add("c", {.queue = "x", .pool = "gpu"});
  EXPECT_EQ(pages({}), "c b a ");
  EXPECT_EQ(pages({.limit = 2}), "c b | a ");
  EXPECT_EQ(pages({.limit = 1}), "c | b | a ");
}

TEST_P(Reading, FiltersByStateQueueTaskAndTag) {
  producer.add("a", {.queue = "x", .tags = {{"k", "1"}}});
  clock.advance(1ms);
  producer.add("b", {.queue = "y", .tags = {{"k", "2"}, {"l", "1"}}});
  producer.add("c", {.queue = "x", .start = 1h});
  EXPECT_EQ(pages({.state = JobState::ready}), "b a ");
  EXPECT_EQ(pages({.queue = "x"}), "c a ");
  EXPECT_EQ(pages({.state = JobState::ready, .queue = "x"}), "a ");
  EXPECT_EQ(pages({.task = "b"}), "b ");
  EXPECT_EQ(pages({.tag = {{"k", "1"}}}), "a ");
  EXPECT_EQ(pages({.tag = {{"l", "1"}}}), "b ");
  EXPECT_EQ(pages({.queue = "never"}), "");
}

TEST_P(Reading, PagesStayStableWhileJobsComeAndGo) {
  std::vector<JobId> ids;
  for (const char* task : {"a", "b", "c", "d", "e", "f"}) ids.push_back(producer.add(task));
  auto page = list({.limit = 2});
  producer.add("new");
  EXPECT_EQ(producer.remove(ids[3]), "ok");
  EXPECT_EQ(producer.remove(ids[5]), "ok");
  EXPECT_EQ(pages({.limit = 10, .cursor = page.next_cursor}), "c b a ");
}

TEST_P(Reading, FilterLooksAtABoundedNumberOfJobsPerCall) {
  producer.add("needle");
  const std::vector<rules::NewJob> jobs(250, new_job(clock, "hay"));
  for (int time = 0; time < 5; ++time) {
    store->submit({.request = producer.next(), .jobs = jobs}).value();
  }
  const auto page = list({.task = "needle"});
  EXPECT_TRUE(page.items.empty());
  EXPECT_FALSE(page.next_cursor.empty());
  EXPECT_EQ(pages({.task = "needle"}), "| needle ");
}

TEST_P(Reading, BadCursorIsRefused) {
  for (const char* cursor : {"nonsense", "12x", "-", "99999999999999999999999"}) {
    const auto refused = store->list(Filter{.cursor = cursor});
    ASSERT_FALSE(refused) << cursor;
    EXPECT_EQ(refused.error().code, Errc::invalid);
    EXPECT_NE(refused.error().message.find(cursor), std::string::npos);
  }
}

TEST_P(Reading, CountsFollowEveryMove) {
  EXPECT_EQ(describe(store->count({}).value()), "");
  for (const char* task : {"a", "b", "c"}) producer.add(task, {.queue = "x"});
  producer.add("d", {.queue = "y", .start = 1h});
  TestSession worker(*store, {.queues = {"x"}});
  const auto jobs = worker.reserve(2);
  EXPECT_EQ(describe(store->count({}).value()), "scheduled: 1 | ready: 1 | running: 2");
  EXPECT_TRUE(worker.end(jobs[0], rules::Succeeded{}));
  EXPECT_TRUE(worker.end(jobs[1], rules::Failed{"x", false}));
  EXPECT_EQ(describe(store->count({"x"}).value()), "ready: 1 | succeeded: 1 | failed: 1");
  EXPECT_EQ(describe(store->count({"y"}).value()), "scheduled: 1");
}

TEST_P(Reading, QueuesAreListedWithTheirCounts) {
  producer.add("a", {.queue = "x"});
  clock.advance(5s);
  producer.add("b", {.queue = "x", .start = 1h});
  producer.configure(QueueSetting{.queue = "y", .paused = true});
  const auto queues = std::get<Page<Queue>>(store->list(QueuesQuery{}).value()).items;
  ASSERT_EQ(queues.size(), 2U);
  EXPECT_EQ(queues[0].queue, "x");
  EXPECT_EQ(queues[0].ready, 1);
  EXPECT_EQ(queues[0].scheduled, 1);
  EXPECT_EQ(queues[0].oldest_ready, 5s);
  EXPECT_TRUE(queues[1].paused);
  EXPECT_FALSE(store->find(QueueRef{"never"}).value());
}

TEST_P(Reading, EveryMoveIsOneEventInOrder) {
  const JobId id = producer.add("a", {.max_attempts = 2});
  EXPECT_TRUE(session.end(session.take(), rules::Failed{"boom"}));
  clock.advance(1min);
  store->promote({}, clock.now(), {}).value();
  EXPECT_TRUE(session.end(session.take(), rules::Succeeded{}));
  std::string story;
  int terminal = 0;
  for (const Event& event : all_events(*store)) {
    if (event.type != Event::Type::job) continue;
    EXPECT_EQ(event.job, id);
    EXPECT_EQ(event.task, "a");
    EXPECT_EQ(event.queue, "default");
    story += std::string(rules::to_text(*event.to)) + ' ';
    terminal += rules::is_terminal(*event.to);
  }
  EXPECT_EQ(story, "ready running scheduled ready running succeeded ");
  EXPECT_EQ(terminal, 1);
}

TEST_P(Reading, EventsNameAJobByItsOwnId) {
  producer.add("a", {.id = "my-own.id"});
  const Reserved job = session.take();
  const Note note{.key = job.key, .fence = job.fence, .progress = 0.5};
  store->note(session.id(), {&note, 1}).value();
  EXPECT_TRUE(session.end(job, rules::Succeeded{}));
  EXPECT_EQ(producer.remove({"my-own.id"}), "ok");
  int about_it = 0;
  for (const Event& event : all_events(*store)) {
    if (event.type == Event::Type::worker) continue;
    EXPECT_EQ(event.job.text, "my-own.id");
    ++about_it;
  }
  EXPECT_EQ(about_it, 5);
}

TEST_P(Reading, EventsResumeAfterAPosition) {
  producer.add("before");
  const std::string here = store->events({}).value().next;
  EXPECT_TRUE(store->events({}).value().events.empty());
  producer.add("a");
  producer.add("b");
  producer.add("c");
  EventPage page = store->events({.after = here, .limit = 2}).value();
  ASSERT_EQ(page.events.size(), 2U);
  EXPECT_EQ(page.events[1].task, "b");
  EXPECT_FALSE(page.reset);
  EXPECT_EQ(page.events[1].id, page.next);
  page = store->events({.after = page.next}).value();
  ASSERT_EQ(page.events.size(), 1U);
  EXPECT_EQ(page.events[0].task, "c");
  EXPECT_EQ(store->events({.after = page.next}).value().next, page.next);
}

TEST_P(Reading, PositionThatIsOlderThanTheStreamIsReset) {
  const std::string start = store->events({}).value().next;
  for (int i = 0; i < 5; ++i) producer.add("t");
  clock.advance(25h);
  store->prune({}, clock.now(), {}).value();
  producer.add("new");
  const EventPage page = store->events({.after = start}).value();
  EXPECT_TRUE(page.reset);
  EXPECT_EQ(page.events.back().task, "new");
  EXPECT_FALSE(store->events({.after = page.next}).value().reset);
}

TEST_P(Reading, BadEventPositionIsRefused) {
  EXPECT_EQ(store->events({.after = "nonsense"}).error().code, Errc::invalid);
}

TEST_P(Reading, EventsOfOddTextComeBackAsTheyWere) {
  producer.add("a");
  const std::string odd = "tab\tline\nback\\slash";
  EXPECT_TRUE(session.end(session.take(), rules::Failed{odd, false}));
  EXPECT_EQ(all_events(*store).back().message, odd);
}

TEST_P(Reading, HealthSaysWhatTheStoreIs) {
  const Health health = store->check().value();
  EXPECT_EQ(health.sessions, 1);
  EXPECT_FALSE(health.evicts);
  EXPECT_FALSE(health.version.empty());
  EXPECT_EQ(health.store, store->name());
  EXPECT_EQ(health.persistent, health.findings.empty());
}

}  // namespace
}  // namespace penstock::testing
