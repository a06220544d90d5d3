// SPDX-License-Identifier: MIT
#include "store/sqlite/session_row.h"

namespace penstock::sqlite {

SqliteStore::SqliteStore(std::shared_ptr<Database> database) : database_(std::move(database)) {}
SqliteStore::~SqliteStore() = default;

Result<std::unique_ptr<Store>> SqliteStore::open(std::shared_ptr<Database> database) {
  std::unique_ptr<SqliteStore> store(new SqliteStore(std::move(database)));
  if (store->database_->in_memory()) {
    store->connection_ = store->database_->shared;
  } else {
    auto connection = Connection::open(store->database_->path, Connection::Sync::normal);
    if (!connection) return std::move(connection).error();
    store->connection_ = *std::move(connection);
  }
  return std::unique_ptr<Store>(std::move(store));
}

Result<std::unique_ptr<Store>> SqliteStore::another() { return open(database_); }

SqliteStore::Lock SqliteStore::guard() {
  return database_->in_memory() ? Lock(database_->mutex) : Lock();
}

Result<WriteStep> SqliteStore::begin() {
  return WriteStep::begin(db(), lanes_, live(), clock().now());
}

Result<void> SqliteStore::read_ended() {
  if (!db().failed()) return {};
  Error error = db().take_error();
  if (!sqlite3_get_autocommit(db().raw())) {
    sqlite3_exec(db().raw(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
  return error;
}

std::string join_lines(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) {
    if (!text.empty()) text += '\n';
    text += line;
  }
  return text;
}

std::vector<std::string> split_lines(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    lines.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

}  // namespace penstock::sqlite
