// SPDX-License-Identifier: MIT
//
// A database that an older version made: brought up to date when it is opened, with all it held.
#include "store/sqlite/connection.h"
#include "tests/store/conformance.h"

namespace penstock::testing {
namespace {

using sqlite::Connection;

std::unique_ptr<Connection> raw(const StoreUnderTest& store) {
  return Connection::open(store.path(), Connection::Sync::normal).value();
}

// What the later layouts added, taken back: a database as the second had it.
const std::string to_second =
    "UPDATE jobs SET payload = (SELECT text FROM large_texts WHERE place = 2 * sequence)"
    "  WHERE large_payload IS NOT NULL;"
    "UPDATE jobs SET result = (SELECT text FROM large_texts WHERE place = 2 * sequence + 1)"
    "  WHERE large_result IS NOT NULL;"
    "ALTER TABLE jobs DROP COLUMN large_payload; ALTER TABLE jobs DROP COLUMN large_result;"
    "DROP TABLE large_texts; DROP TABLE runs; DROP TABLE run_fields; DROP TABLE run_values;"
    "ALTER TABLE sessions DROP COLUMN certificate;";

TEST(SqliteLayout, TheFirstOneIsBroughtUpToDateWithAllItHeld) {
  StoreUnderTest store(StoreKind::sqlite_file);
  Producer producer(*store);
  producer.add("a");
  raw(store)->execute(to_second +
                      "ALTER TABLE sessions DROP COLUMN tally; PRAGMA user_version = 1");
  store.close();
  auto again = store.reopen().value();
  EXPECT_EQ(describe(*again), "ready: a");
  TestSession session(*again);
  EXPECT_EQ(session.reserve(1).size(), 1U);
  EXPECT_EQ(raw(store)->ask("PRAGMA user_version"), 5);
}

TEST(SqliteLayout, LargeTextsOfTheSecondOneStayWhereTheyAreAndCanBeRead) {
  StoreUnderTest store(StoreKind::sqlite_file);
  Producer producer(*store);
  TestSession before(*store);
  const std::string large = '"' + std::string(100'000, 'x') + '"';
  const JobId ended = producer.add("a", {}, large);
  ASSERT_TRUE(before.end(before.take(), rules::Succeeded{.result = large}));
  const JobId held = producer.add("a", {}, large), ready = producer.add("a", {}, large);
  before.take();
  ASSERT_TRUE(before.close());
  raw(store)->execute(to_second + "PRAGMA user_version = 2");
  store.close();
  auto again = store.reopen().value();
  EXPECT_TRUE(find_job(*again, ended).result == large);
  EXPECT_TRUE(find_job(*again, held).payload == large);
  TestSession session(*again);
  for (const Reserved& job : session.reserve(2)) {
    EXPECT_TRUE(job.payload == large);
    EXPECT_TRUE(session.end(job, rules::Succeeded{.result = large}));
  }
  EXPECT_TRUE(find_job(*again, ready).result == large);
  EXPECT_EQ(raw(store)->ask("SELECT count(*) FROM large_texts"), 2);
}

}  // namespace
}  // namespace penstock::testing
