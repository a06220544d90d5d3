// SPDX-License-Identifier: MIT
//
// The linear program of column generation: mix the rows found so far so that the cover costs least.
//
// Owned and used by column_generation.cc; the second and last file that knows a COIN class.
#pragma once

#include <memory>
#include <set>
#include <vector>

#include <penstock/result.h>
#include "apps/roster/instance.h"
#include "apps/roster/patterns.h"

class ClpSimplex;

namespace penstock::roster {

class RestrictedMaster {
 public:
  /// Begins with the rows of `roster`, so that there always is a solution.
  RestrictedMaster(const Instance& instance, const Patterns& patterns, const Roster& roster);
  ~RestrictedMaster();
  RestrictedMaster(const RestrictedMaster&) = delete;
  RestrictedMaster& operator=(const RestrictedMaster&) = delete;

  /// Whether the row was new.
  bool add(int employee, const Row& row);

  struct Column {
    int employee = 0;
    Row row;
  };
  struct Answer {
    double cost = 0;
    std::vector<double> duals;   ///< One for each cover.
    std::vector<double> shares;  ///< How much of each column is used.
  };
  /// From where the last call ended.
  Result<Answer> solve();

  /// Uses the column whole until release(). REQUIRES: an index into columns().
  void fix(std::size_t column);
  void release();

  /// Every row so far, in the order they were added.
  [[nodiscard]] const std::vector<Column>& columns() const { return columns_; }

 private:
  const Instance& instance_;
  const Patterns& patterns_;
  std::vector<std::set<Row>> known_;  ///< The rows of each employee.
  std::vector<Column> columns_;
  int slacks_ = 0;  ///< Columns of the linear program before the first row.
  std::unique_ptr<ClpSimplex> linear_;
};

}  // namespace penstock::roster
