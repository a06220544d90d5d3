// SPDX-License-Identifier: MIT
//
// Walks the jobs that a filter may mean, newest first over all lanes, at most 1,000 a call.
// Sequences come from one counter, so a sequence alone says where to go on: that is the cursor.
#pragma once

#include <penstock/job.h>
#include "rules/id.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/lanes.h"

#include <memory>
#include <queue>
#include <string>
#include <vector>

namespace penstock::sqlite {

class JobScan {
 public:
  /// REQUIRES: check_cursor(filter.cursor).
  JobScan(Connection& connection, const Lanes& lanes, const Filter& filter);
  /// Errors: invalid.
  static Result<void> check_cursor(std::string_view cursor);

  /// Moves to the next job; false at the end, or when enough were looked at.
  bool next();
  [[nodiscard]] const rules::JobKey& key() const { return here_.key; }
  /// True when the filter means the job here.
  [[nodiscard]] bool matches() const;
  /// Where to go on; empty when there is nothing more.
  [[nodiscard]] std::string cursor() const;

 private:
  struct Head {
    rules::JobKey key;
    std::string state, task, tags;
    bool operator<(const Head& other) const { return key.sequence < other.key.sequence; }
  };
  void pull(rules::Lane lane, std::uint64_t below);

  Connection& connection_;
  const Filter& filter_;
  std::priority_queue<Head> heads_;
  Head here_;
  std::size_t looked_at_ = 0;
};

}  // namespace penstock::sqlite
