// SPDX-License-Identifier: MIT
//
// Progress and log lines of running jobs.
#include "rules/limits.h"
#include "tests/store/conformance.h"

namespace penstock::testing {
namespace {

using namespace std::chrono_literals;

class Noting : public StoreConformance {
 protected:
  void SetUp() override {
    id = producer.add("a");
    job = session.take();
  }
  Result<void> note(std::vector<LogLine> lines, std::optional<double> progress = {},
                    std::string message = {}) {
    const Note one{.key = job.key,
                   .fence = job.fence,
                   .progress = progress,
                   .message = std::move(message),
                   .lines = std::move(lines)};
    return store->note(session.id(), {&one, 1});
  }
  LogLine line(std::int64_t number, std::string text) {
    return {number, clock.now(), job.attempt, std::move(text)};
  }
  Page<LogLine> logs(std::string cursor = {}, int limit = 1000) {
    return std::get<Page<LogLine>>(store->list(LogQuery{id, std::move(cursor), limit}).value());
  }
  std::string texts() {
    std::string all;
    for (const LogLine& one : logs().items) all += one.text + ' ';
    return all;
  }
  TestSession session{*store};
  JobId id;
  Reserved job;
};

INSTANTIATE_STORE_SUITE(Noting);

TEST_P(Noting, ProgressIsSeenAndToldAndBeginsAnewWithTheNextAttempt) {
  note({}, 0.25, "a quarter").value();
  Job seen = find_job(*store, id);
  EXPECT_EQ(seen.progress, 0.25);
  EXPECT_EQ(seen.progress_message, "a quarter");
  EXPECT_EQ(all_events(*store).back().type, Event::Type::progress);
  EXPECT_EQ(all_events(*store).back().job, id);
  EXPECT_TRUE(session.end(job, rules::Interrupted{}));
  job = session.take();
  seen = find_job(*store, id);
  EXPECT_EQ(seen.progress, 0);
  EXPECT_EQ(seen.progress_message, "");
}

TEST_P(Noting, LinesStayInTheirOrderOverAttempts) {
  note({line(1, "one"), line(2, "two")}).value();
  EXPECT_TRUE(session.end(job, rules::Interrupted{}));
  job = session.take();
  note({line(1, "again"), line(2, "more")}).value();
  EXPECT_EQ(texts(), "one two again more ");
  EXPECT_EQ(all_events(*store).back().type, Event::Type::log);
  EXPECT_EQ(all_events(*store).back().message, "more");
}

TEST_P(Noting, RepeatedLineIsNotWrittenTwice) {
  note({line(1, "one"), line(2, "two")}).value();
  const std::size_t events = all_events(*store).size();
  note({line(2, "two"), line(3, "three")}).value();
  EXPECT_EQ(texts(), "one two three ");
  EXPECT_EQ(all_events(*store).size(), events + 1);
}

TEST_P(Noting, LogKeepsItsNewest64KiB) {
  const std::string text(1 << 10, 'x');
  for (int batch = 0; batch < 8; ++batch) {
    std::vector<LogLine> lines;
    for (int i = 1; i <= 10; ++i) lines.push_back(line(batch * 10 + i, text));
    note(lines).value();
  }
  const auto kept = logs().items;
  std::size_t bytes = 0;
  for (const LogLine& one : kept) bytes += one.text.size();
  EXPECT_LE(bytes, rules::max_log_bytes);
  EXPECT_GE(bytes, rules::max_log_bytes - 2 * text.size());
  EXPECT_EQ(kept.back().number, 80);
  EXPECT_EQ(kept.front().number, 81 - static_cast<std::int64_t>(kept.size()));
}

TEST_P(Noting, EmptyLinesDoNotGrowALogWithoutBound) {
  std::vector<LogLine> lines;
  for (int i = 1; i <= 70'000; ++i) lines.push_back(line(i, ""));
  note(lines).value();
  std::size_t kept = 0;
  std::string cursor;
  do {
    const auto page = logs(cursor);
    kept += page.items.size();
    cursor = page.next_cursor;
  } while (!cursor.empty() && kept <= 70'000);
  EXPECT_LE(kept, rules::max_log_bytes);
}

TEST_P(Noting, LongLineIsCut) {
  note({line(1, std::string(20'000, 'x'))}).value();
  EXPECT_EQ(logs().items.at(0).text.size(), rules::max_log_line_bytes);
}

TEST_P(Noting, LogIsReadInPages) {
  note({line(1, "a"), line(2, "b"), line(3, "c")}).value();
  auto page = logs({}, 2);
  ASSERT_EQ(page.items.size(), 2U);
  page = logs(page.next_cursor, 2);
  ASSERT_EQ(page.items.size(), 1U);
  EXPECT_EQ(page.items[0].text, "c");
  EXPECT_TRUE(page.next_cursor.empty());
  EXPECT_EQ(store->list(LogQuery{id, "nonsense"}).error().code, Errc::invalid);
}

TEST_P(Noting, LogOfAJobThatNeverWasIsNotFound) {
  EXPECT_EQ(store->list(LogQuery{{"never"}}).error().code, Errc::not_found);
}

TEST_P(Noting, NoteForAJobThatIsNotHeldIsRefusedAndTheOthersAreWritten) {
  producer.add("b");
  const Reserved other = session.take();
  EXPECT_TRUE(session.end(other, rules::Succeeded{}));
  const Note notes[] = {{.key = other.key, .fence = other.fence, .progress = 0.1},
                        {.key = job.key, .fence = Fence{1}, .progress = 0.2},
                        {.key = job.key, .fence = job.fence, .progress = 0.3}};
  EXPECT_EQ(store->note(session.id(), notes).error().code, Errc::lease_lost);
  EXPECT_EQ(find_job(*store, id).progress, 0.3);
  EXPECT_EQ(store->check().value().stale_writes_refused, 2);
}

TEST_P(Noting, TextOfAnyKindComesBackAsItWas) {
  const std::string odd = "tab\tback\\slash \xe2\x82\xac \"quote\"";
  note({line(1, odd)}, 0.5, odd).value();
  EXPECT_EQ(logs().items.at(0).text, odd);
  EXPECT_EQ(find_job(*store, id).progress_message, odd);
  EXPECT_EQ(all_events(*store).back().message, odd);
}

}  // namespace
}  // namespace penstock::testing
