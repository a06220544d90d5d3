// SPDX-License-Identifier: MIT
//
// The lanes of a database, cached: rows of `lanes` are only ever added, so what is known stays
// true.
#pragma once

#include "rules/id.h"
#include "store/sqlite/connection.h"

#include <map>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

namespace penstock::sqlite {

struct LaneRow {
  rules::Lane lane{};
  std::string queue = {}, pool = {};
  int priority = 5;
};

class Lanes {
 public:
  /// Reads the lanes that were added since the last refresh.
  void refresh(Connection& connection);
  /// The lane of a queue, pool and priority, added when it is missing. REQUIRES: in a transaction.
  /// Errors: limited (a namespace has at most 1,048,575 lanes).
  Result<rules::Lane> find_or_add(Connection& connection, const std::string& queue,
                                  const std::string& pool, int priority);
  /// Null for a number that was never given out.
  const LaneRow* find(Connection& connection, rules::Lane lane);
  /// All lanes of a queue.
  [[nodiscard]] std::vector<const LaneRow*> of_queue(std::string_view queue) const;
  [[nodiscard]] const std::map<rules::Lane, LaneRow>& all() const { return rows_; }
  /// Forgets what a transaction added that was rolled back.
  void forget();

 private:
  std::map<rules::Lane, LaneRow> rows_ = {};
  std::map<std::tuple<std::string, std::string, int>, rules::Lane> by_name_ = {};
};

}  // namespace penstock::sqlite
