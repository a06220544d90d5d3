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

TEST(SqliteLayout, TheFirstOneIsBroughtUpToDateWithAllItHeld) {
  StoreUnderTest store(StoreKind::sqlite_file);
  Producer producer(*store);
  producer.add("a");
  raw(store)->execute("ALTER TABLE sessions DROP COLUMN tally; PRAGMA user_version = 1");
  store.close();
  auto again = store.reopen().value();
  EXPECT_EQ(describe(*again), "ready: a");
  TestSession session(*again);
  EXPECT_EQ(session.reserve(1).size(), 1U);
  EXPECT_EQ(raw(store)->ask("PRAGMA user_version"), 2);
}

}  // namespace
}  // namespace penstock::testing
