// SPDX-License-Identifier: MIT
#include "apps/roster/restricted_master.h"

#include <ClpSimplex.hpp>
#include <CoinError.hpp>

#include <string>

#include "apps/roster/program.h"
#include "apps/roster/selection.h"

namespace penstock::roster {

RestrictedMaster::RestrictedMaster(const Instance& instance, const Patterns& patterns,
                                   const Roster& roster)
    : instance_(instance),
      patterns_(patterns),
      known_(roster.size()),
      linear_(std::make_unique<ClpSimplex>()) {
  linear_->setLogLevel(0);
  Program program;
  const CoverRows cover(instance, program);
  std::vector<CoinBigIndex> starts;
  std::vector<int> indexes;
  std::vector<double> values;
  for (const auto first : program.first_entry) starts.push_back(static_cast<CoinBigIndex>(first));
  for (const auto& entry : program.entries) {
    indexes.push_back(entry.row);
    values.push_back(entry.value);
  }
  for (std::size_t i = 0; i < roster.size(); ++i) program.add_row(1, 1);
  linear_->loadProblem(program.columns(), program.rows(), starts.data(), indexes.data(),
                       values.data(), nullptr, program.upper.data(), program.cost.data(),
                       program.row_lower.data(), program.row_upper.data());
  slacks_ = program.columns();
  for (std::size_t i = 0; i < roster.size(); ++i) add(static_cast<int>(i), roster[i]);
}

RestrictedMaster::~RestrictedMaster() = default;

bool RestrictedMaster::add(int employee, const Row& row) {
  if (!known_[static_cast<std::size_t>(employee)].insert(row).second) return false;
  // Cover rows come first, in the order of Instance::covers; then one row for each employee.
  std::vector<int> indexes;
  for (std::size_t i = 0; i < instance_.covers.size(); ++i) {
    const Cover& cover = instance_.covers[i];
    if (row[static_cast<std::size_t>(cover.day)] == cover.shift) {
      indexes.push_back(static_cast<int>(i));
    }
  }
  indexes.push_back(static_cast<int>(instance_.covers.size()) + employee);
  const std::vector<double> ones(indexes.size(), 1.0);
  linear_->addColumn(static_cast<int>(indexes.size()), indexes.data(), ones.data(), 0, COIN_DBL_MAX,
                     request_cost(patterns_, employee, row));
  columns_.push_back({employee, row});
  return true;
}

Result<RestrictedMaster::Answer> RestrictedMaster::solve() {
  try {
    linear_->primal(1);
  } catch (const CoinError& error) {
    return Error{Errc::internal, "CLP failed: " + error.message()};
  }
  if (linear_->status() != 0) {
    return Error{Errc::internal, "CLP could not solve the program of the rows, status " +
                                     std::to_string(linear_->status())};
  }
  const double* duals = linear_->getRowPrice();
  const double* shares = linear_->getColSolution() + slacks_;
  return Answer{linear_->objectiveValue(),
                {duals, duals + instance_.covers.size()},
                {shares, shares + columns_.size()}};
}

void RestrictedMaster::fix(std::size_t column) {
  linear_->setColumnLower(slacks_ + static_cast<int>(column), 1);
}

void RestrictedMaster::release() {
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    linear_->setColumnLower(slacks_ + static_cast<int>(i), 0);
  }
}

}  // namespace penstock::roster
