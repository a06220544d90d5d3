// SPDX-License-Identifier: MIT
//
// Opening a database: is it ours, is its layout known, has the machine booted since. Whoever comes
// first migrates; the others wait for its lock.
#include "store/chance.h"
#include "store/sqlite/migrations.gen.h"
#include "store/sqlite/sqlite_store.h"

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <unistd.h>

namespace penstock::sqlite {
namespace {

constexpr std::int64_t application_id = 0x50454e53;  // "PENS"
constexpr std::int64_t newest_layout = static_cast<std::int64_t>(migrations::all.size());

// After a boot the last commits may be forgotten (synchronous=NORMAL does not sync each). Numbers
// that were handed out with them must not be handed out again, so the counters jump further than
// any such tail could be; the random part keeps two power cuts in a row apart.
constexpr std::uint64_t sequence_jump = 1ULL << 32, fence_jump = 1ULL << 20;

std::string boot_id() {
  std::ifstream file("/proc/sys/kernel/random/boot_id");
  std::string id;
  std::getline(file, id);
  return id.empty() ? "unknown" : id;
}

std::string read_meta(Connection& db, std::string_view key) {
  Statement& read = db.statement("meta.read").start(key);
  std::string value = read.row() ? std::string(read.text(0)) : std::string();
  read.end();
  return value;
}

template <class T>
void write_meta(Connection& db, std::string_view key, const T& value) {
  db.statement("meta.write").start(key, value).run();
}

// The steps from an older layout to the newest, in the transaction of its caller. A program that
// has the file open meanwhile goes on: steps add, and take nothing away (docs/sqlite.md says what
// it does not see).
void migrate(Connection& db, std::int64_t layout) {
  for (std::size_t i = static_cast<std::size_t>(layout); i < migrations::all.size(); ++i) {
    db.execute(std::string(migrations::all[i].second));
  }
  db.execute("PRAGMA user_version = " + std::to_string(newest_layout));
}

void create(Connection& db) {
  db.execute("PRAGMA application_id = " + std::to_string(application_id));
  migrate(db, 0);
  if (db.failed()) return;
  const std::string secret = to_hex(new_secret());
  write_meta(db, "secret", secret);
  write_meta(db, "boot_id", boot_id());
  for (const char* counter : {"sequence", "fence", "again", "upkeep", "suspect_session",
                              "sessions_lost", "stale_writes_refused", "false_alarms"}) {
    write_meta(db, counter, std::int64_t{0});
  }
}

void jump_after_boot(Connection& db) {
  const std::string boot = boot_id();
  if (read_meta(db, "boot_id") == boot) return;
  const std::uint64_t from = std::strtoull(read_meta(db, "sequence").c_str(), nullptr, 10);
  const std::uint64_t by = sequence_jump + random_number() % (sequence_jump / 2);
  db.statement("meta.add").start("sequence", by).run();
  db.statement("meta.gap").start(from + 1, from + by).run();
  db.statement("meta.add").start("fence", fence_jump + random_number() % (fence_jump / 2)).run();
  write_meta(db, "boot_id", boot);
}

Result<void> check_layout(Connection& db, const std::string& path, bool& is_new) {
  const std::int64_t layout = db.ask("PRAGMA user_version");
  const std::int64_t owner = db.ask("PRAGMA application_id");
  const std::int64_t tables = db.ask("SELECT count(*) FROM sqlite_schema");
  if (db.failed()) return db.take_error();
  is_new = layout == 0 && owner == 0 && tables == 0;
  if (is_new) return {};
  if (owner != application_id) {
    return Error{Errc::invalid,
                 "database " + path + " belongs to another program: name another file"};
  }
  if (layout < 1 || layout > newest_layout) {
    return Error{Errc::conflict, "database " + path + " has layout " + std::to_string(layout) +
                                     ", this program knows layout " +
                                     std::to_string(newest_layout) +
                                     ": use a matching version of penstock"};
  }
  return {};
}

Result<void> prepare(Database& database, Connection& db) {
  bool is_new = false;
  // Before anything is written, even the journal mode: the file may be somebody else's. In one
  // transaction, because somebody else may be creating it.
  db.execute("BEGIN");
  auto ours = check_layout(db, database.path, is_new);
  db.execute("COMMIT");
  if (!ours) return ours;
  if (auto ok = db.settle(Connection::Sync::normal); !ok) return ok;
  db.execute("BEGIN IMMEDIATE");
  if (db.failed()) return db.take_error();
  if (auto ok = check_layout(db, database.path, is_new); !ok) {
    db.execute("ROLLBACK");
    return ok;
  }
  if (is_new) {
    create(db);
  } else if (const std::int64_t layout = db.ask("PRAGMA user_version"); layout < newest_layout) {
    migrate(db, layout);
  }
  jump_after_boot(db);
  const std::string secret = read_meta(db, "secret");
  db.execute("COMMIT");
  if (db.failed()) {
    Error error = db.take_error();
    db.execute("ROLLBACK");
    return error;
  }
  database.mint.emplace(read_hex(secret));
  return {};
}

// Payloads may be secrets: what is made anew is its owner's alone. SQLite and the live file take
// over the mode of the database, so whoever opens it to a group needs to change one file. What
// cannot be made here is reported by the opening that follows.
void make_private(const std::string& path) {
  namespace fs = std::filesystem;
  std::error_code failed;
  const fs::path folder = fs::path(path).parent_path();
  if (!folder.empty() && fs::create_directories(folder, failed)) {
    fs::permissions(folder, fs::perms::owner_all, failed);
  }
  const int made = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (made >= 0) ::close(made);
}

}  // namespace

Result<std::shared_ptr<Database>> open_database(const std::string& path, const std::string& name,
                                                Clock& clock) {
  auto database = std::make_shared<Database>();
  database->path = path;
  database->name = name;
  database->clock = &clock;
  if (!database->in_memory()) make_private(path);
  auto connection = Connection::open_as_found(path);
  if (!connection) return std::move(connection).error();
  if (auto ok = prepare(*database, **connection); !ok) return std::move(ok).error();
  auto live = LiveFile::open(database->in_memory() ? "" : path + "-live");
  if (!live) return std::move(live).error();
  database->live = *std::move(live);
  if (database->in_memory()) database->shared = *std::move(connection);
  return database;
}

}  // namespace penstock::sqlite
