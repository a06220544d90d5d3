// SPDX-License-Identifier: MIT
//
// One SQLite connection and its prepared statements.
//
// Errors are sticky: a statement that fails leaves its error with the connection, every later row()
// is false, and commit() refuses. So a verb reads as the steps it takes, and asks once, at its end,
// whether all of them worked. A failed transaction is always rolled back.
#pragma once

#include <penstock/clock.h>
#include <penstock/result.h>

#include <sqlite3.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace penstock::sqlite {

class Connection;

/// A prepared statement. `start(args...)` binds ?1, ?2, ...; `row()` steps.
class Statement {
 public:
  Statement(Connection& connection, sqlite3_stmt* statement)
      : connection_(connection), statement_(statement) {}
  ~Statement() { sqlite3_finalize(statement_); }
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  template <class... A>
  Statement& start(const A&... arguments) {
    sqlite3_reset(statement_);
    int at = 0;
    (bind(++at, arguments), ...);
    return *this;
  }
  /// True when there is a(nother) row.
  bool row();
  /// Runs to the end, for statements without rows. Resets.
  void run();
  /// Ends a read whose remaining rows are not wanted.
  void end() { sqlite3_reset(statement_); }

  [[nodiscard]] std::int64_t integer(int column) const {
    return sqlite3_column_int64(statement_, column);
  }
  [[nodiscard]] double real(int column) const { return sqlite3_column_double(statement_, column); }
  [[nodiscard]] bool is_null(int column) const {
    return sqlite3_column_type(statement_, column) == SQLITE_NULL;
  }
  [[nodiscard]] std::string_view text(int column) const;
  [[nodiscard]] std::optional<std::int64_t> maybe(int column) const {
    if (is_null(column)) return std::nullopt;
    return integer(column);
  }

 private:
  void bind(int at, std::nullptr_t) { sqlite3_bind_null(statement_, at); }
  void bind(int at, std::int64_t value) { sqlite3_bind_int64(statement_, at, value); }
  void bind(int at, std::uint64_t value) { bind(at, static_cast<std::int64_t>(value)); }
  void bind(int at, int value) { sqlite3_bind_int64(statement_, at, value); }
  void bind(int at, std::uint32_t value) { bind(at, static_cast<std::int64_t>(value)); }
  void bind(int at, bool value) { sqlite3_bind_int(statement_, at, value ? 1 : 0); }
  void bind(int at, double value) { sqlite3_bind_double(statement_, at, value); }
  void bind(int at, Time value) { bind(at, value.time_since_epoch().count()); }
  // The text must live until the statement was stepped; every caller binds and steps in one go.
  void bind(int at, std::string_view value) {
    sqlite3_bind_text(statement_, at, value.data() ? value.data() : "",
                      static_cast<int>(value.size()), SQLITE_STATIC);
  }
  void bind(int at, const char* value) { bind(at, std::string_view(value)); }
  template <class T>
  void bind(int at, const std::optional<T>& value) {
    if (value) {
      bind(at, *value);
    } else {
      bind(at, nullptr);
    }
  }

  Connection& connection_;
  sqlite3_stmt* statement_;
};

/// Not thread-safe.
class Connection {
 public:
  enum class Sync : std::uint8_t { normal, full };

  /// Opens a file, or memory (":memory:"), and settles. Errors: unavailable, invalid (no database),
  /// internal.
  static Result<std::unique_ptr<Connection>> open(const std::string& path, Sync sync);
  /// Opens without writing anything, to see whose file it is.
  static Result<std::unique_ptr<Connection>> open_as_found(const std::string& path);
  /// Turns to a write-ahead log and sets what holds for this connection.
  Result<void> settle(Sync sync);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// The statement `file.name` of statements/*.sql, reset and ready to start.
  Statement& statement(std::string_view name);
  /// Runs SQL text of several statements. REQUIRES: text from this program.
  void execute(const std::string& sql);
  /// The single integer that `sql` answers.
  std::int64_t ask(const std::string& sql);

  [[nodiscard]] bool failed() const { return error_.has_value(); }
  /// Takes the sticky error away. REQUIRES: failed().
  Error take_error();
  void fail(int code);
  [[nodiscard]] sqlite3* raw() const { return database_; }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  void use_write_ahead_log();
  Connection(sqlite3* database, std::string path) : database_(database), path_(std::move(path)) {}

  sqlite3* database_;
  std::string path_;
  std::optional<Error> error_;
  std::map<std::string, std::unique_ptr<Statement>, std::less<>> statements_;
};

/// What SQLite's result codes are here, in one place.
Error to_error(int code, std::string_view message, std::string_view path);

}  // namespace penstock::sqlite
