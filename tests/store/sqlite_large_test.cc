// SPDX-License-Identifier: MIT
//
// Where the SQLite store keeps what is large, and that no step moves too much of it.
#include "rules/limits.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/large_text.h"
#include "tests/store/conformance.h"

namespace penstock::testing {
namespace {

using sqlite::Connection;

class SqliteLarge : public ::testing::Test {
 protected:
  std::int64_t ask(const std::string& sql) {
    return Connection::open(store_.path(), Connection::Sync::normal).value()->ask(sql);
  }
  std::int64_t large_texts() { return ask("SELECT count(*) FROM large_texts"); }
  JobId end_one(std::size_t bytes, SubmitOptions options = {}) {
    const std::string text = '"' + std::string(bytes - 2, 'x') + '"';
    const JobId id = producer_.add("a", std::move(options), text);
    EXPECT_TRUE(session_.end(session_.take(), rules::Succeeded{.result = text}));
    return id;
  }

  StoreUnderTest store_{StoreKind::sqlite_file};
  Producer producer_{*store_};
  TestSession session_{*store_};
};

TEST_F(SqliteLarge, ARowOfJobsHoldsNoLargeText) {
  const std::size_t sizes[] = {100, 513, 16'000, 1'000'000};
  for (const std::size_t bytes : sizes) end_one(bytes, {.keep_full = true});
  for (const std::size_t bytes : sizes) {
    producer_.add("a", {}, '"' + std::string(bytes, 'x') + '"');
  }
  EXPECT_LE(ask("SELECT max(max(length(payload), ifnull(length(result), 0))) FROM jobs"),
            static_cast<std::int64_t>(sqlite::largest_in_row));
  EXPECT_EQ(large_texts(), 9);
}

TEST_F(SqliteLarge, TextsGoWithTheirJobs) {
  end_one(20'000);
  EXPECT_EQ(large_texts(), 1) << "the payload went when the job succeeded";
  const JobId full = end_one(20'000, {.keep_full = true});
  EXPECT_EQ(large_texts(), 3);
  EXPECT_EQ(producer_.remove(full), "ok");
  EXPECT_EQ(large_texts(), 1);
  store_.clock().advance(Duration{2LL * 3'600'000});
  ASSERT_TRUE(store_->prune({}, store_.clock().now(), {}));
  EXPECT_EQ(large_texts(), 0);
}

TEST_F(SqliteLarge, AStepOfPruningTakesAwayAboutAMegabyte) {
  for (int i = 0; i < 12; ++i) end_one(300'000);
  store_.clock().advance(Duration{2LL * 3'600'000});
  std::vector<std::int64_t> steps;
  while (true) {
    const Step step = store_->prune({}, store_.clock().now(), {}).value();
    steps.push_back(step.done);
    if (!step.more) break;
  }
  EXPECT_EQ(steps, (std::vector<std::int64_t>{4, 4, 4, 0}));
}

}  // namespace
}  // namespace penstock::testing
