// SPDX-License-Identifier: MIT
#include "store/sqlite/connection.h"

#include "store/sqlite/statements.gen.h"

#include <cstdio>
#include <cstdlib>

namespace penstock::sqlite {
namespace {

constexpr std::string_view name_mark = "-- name: ";

// "finish.end" -> the text below the line "-- name: end" of finish.sql.
std::map<std::string, std::string_view, std::less<>> split_statements() {
  std::map<std::string, std::string_view, std::less<>> found;
  for (const auto& [stem, text] : statements::all) {
    std::size_t at = text.find(name_mark);
    while (at != std::string_view::npos) {
      const std::size_t line_end = text.find('\n', at);
      const std::size_t next = text.find(name_mark, line_end);
      const std::string_view name =
          text.substr(at + name_mark.size(), line_end - at - name_mark.size());
      found.emplace(
          std::string(stem) + "." + std::string(name),
          text.substr(line_end + 1, next == std::string_view::npos ? std::string_view::npos
                                                                   : next - line_end - 1));
      at = next;
    }
  }
  return found;
}

// A statement that does not exist is a fault of this program, not of its input.
[[noreturn]] void unknown_statement(std::string_view name, std::string_view why) {
  std::fprintf(stderr, "penstock: statement %.*s: %.*s\n", static_cast<int>(name.size()),
               name.data(), static_cast<int>(why.size()), why.data());
  std::abort();
}

constexpr int busy_patience_ms = 5000;

// Before SQLite's first use: its memory statistics take a global mutex with every allocation, which
// cost an eighth of all time, and nobody reads them.
void configure_library() {
  [[maybe_unused]] static const int once = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

}  // namespace

bool Statement::row() {
  if (connection_.failed()) return false;
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code != SQLITE_DONE) connection_.fail(code);
  sqlite3_reset(statement_);
  return false;
}

void Statement::run() {
  while (row()) {
  }
}

std::string_view Statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  if (!bytes) return {};
  return {bytes, static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

Result<std::unique_ptr<Connection>> Connection::open(const std::string& path, Sync sync) {
  auto connection = open_as_found(path);
  if (!connection) return connection;
  if (auto settled = (*connection)->settle(sync); !settled) return std::move(settled).error();
  return connection;
}

Result<std::unique_ptr<Connection>> Connection::open_as_found(const std::string& path) {
  configure_library();
  sqlite3* database = nullptr;
  const int flags =
      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  const int code = sqlite3_open_v2(path.c_str(), &database, flags, nullptr);
  if (code != SQLITE_OK) {
    Error error = to_error(code, database ? sqlite3_errmsg(database) : "out of memory", path);
    sqlite3_close(database);
    return error;
  }
  std::unique_ptr<Connection> connection(new Connection(database, path));
  sqlite3_busy_timeout(database, busy_patience_ms);
  return connection;
}

// SQLite answers busy at once, without its patience, when two turn to the write-ahead log together.
void Connection::use_write_ahead_log() {
  Clock& clock = real_clock();
  const SteadyTime deadline = clock.steady() + std::chrono::milliseconds{busy_patience_ms};
  while (true) {
    execute("PRAGMA journal_mode = WAL");
    const bool is_busy = failed() && (sqlite3_errcode(database_) & 0xff) == SQLITE_BUSY;
    if (!is_busy || clock.steady() >= deadline) return;
    error_.reset();
    clock.wait_until(clock.steady() + std::chrono::milliseconds{5}, {});
  }
}

Result<void> Connection::settle(Sync sync) {
  use_write_ahead_log();
  execute(
      "PRAGMA temp_store = MEMORY;"
      "PRAGMA cache_size = -8000;"
      "PRAGMA journal_size_limit = 67108864;"
      // Upkeep checkpoints; this is the bound for a file that only producers open.
      "PRAGMA wal_autocheckpoint = 10000;");
  execute(sync == Sync::full ? "PRAGMA synchronous = FULL;" : "PRAGMA synchronous = NORMAL;");
  if (failed()) return take_error();
  return {};
}

Connection::~Connection() {
  statements_.clear();
  sqlite3_close(database_);
}

Statement& Connection::statement(std::string_view name) {
  if (const auto found = statements_.find(name); found != statements_.end()) {
    return *found->second;
  }
  static const auto texts = split_statements();
  const auto text = texts.find(name);
  if (text == texts.end()) unknown_statement(name, "does not exist");
  sqlite3_stmt* statement = nullptr;
  const int code =
      sqlite3_prepare_v3(database_, text->second.data(), static_cast<int>(text->second.size()),
                         SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) {
    if (code == SQLITE_ERROR) unknown_statement(name, sqlite3_errmsg(database_));
    fail(code);  // Busy or corrupt: the caller's row() sees it.
  }
  if (!statement) {
    // Not kept: the next call prepares again, in case the fault has passed.
    static thread_local std::unique_ptr<Statement> refused;
    refused = std::make_unique<Statement>(*this, nullptr);
    return *refused;
  }
  return *statements_.emplace(std::string(name), std::make_unique<Statement>(*this, statement))
              .first->second;
}

void Connection::execute(const std::string& sql) {
  if (failed()) return;
  const int code = sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) fail(code);
}

std::int64_t Connection::ask(const std::string& sql) {
  std::int64_t answer = 0;
  if (failed()) return answer;
  const auto take = [](void* into, int, char** values, char**) {
    if (values[0]) *static_cast<std::int64_t*>(into) = std::strtoll(values[0], nullptr, 10);
    return 0;
  };
  const int code = sqlite3_exec(database_, sql.c_str(), take, &answer, nullptr);
  if (code != SQLITE_OK) fail(code);
  return answer;
}

Error Connection::take_error() {
  Error error = std::move(*error_);
  error_.reset();
  return error;
}

void Connection::fail(int code) {
  if (!error_) error_ = to_error(code, sqlite3_errmsg(database_), path_);
}

Error to_error(int code, std::string_view message, std::string_view path) {
  const std::string where = "database " + std::string(path);
  switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {Errc::unavailable, where +
                                     " is locked by another process for more than 5s: look for "
                                     "a stopped worker or a long sqlite3 session"};
    case SQLITE_FULL:
      return {Errc::unavailable, where + " cannot grow, the disk is full: free some space"};
    case SQLITE_NOTADB:
      return {Errc::invalid, where + " is no SQLite database: name another file"};
    case SQLITE_CORRUPT:
      return {Errc::internal, where + " is corrupt (" + std::string(message) +
                                  "): stop the workers, keep a copy and run sqlite3 .recover"};
    case SQLITE_CANTOPEN:
      return {Errc::unavailable,
              where + " cannot be opened: check that its folder exists and may be written to"};
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return {Errc::denied, where + " may not be written to: check the owner and mode of the file"};
    case SQLITE_IOERR:
      return {Errc::unavailable,
              where + " cannot be read or written (" + std::string(message) + "): check the disk"};
    default:
      return {Errc::internal,
              where + ": " + std::string(message) + " (SQLite code " + std::to_string(code) + ")"};
  }
}

}  // namespace penstock::sqlite
