// SPDX-License-Identifier: MIT
//
// The state of one solve: the best roster, the best bound, and when to give up.
//
// Both only ever get better, and every improvement is reported at once. One thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "apps/roster/instance.h"
#include "apps/roster/program.h"
#include "apps/roster/solve.h"

namespace penstock::roster {

/// What the roster costs by the model's sums. REQUIRES: one row of the right length per employee.
std::int64_t cost_of(const Instance& instance, const Roster& roster);

class Search {
 public:
  /// Keeps references: outlive neither argument. The least cost is 0 until raised.
  Search(const Instance& instance, const Options& options);

  /// Keeps the roster when it is better than the best one.
  void offer(const Roster& roster);
  void raise_bound(double bound);

  [[nodiscard]] bool proven() const { return cost_ && *cost_ <= bound_; }
  [[nodiscard]] bool over() const;  ///< Proven, stopped or out of time.
  [[nodiscard]] bool has_roster() const { return cost_.has_value(); }
  [[nodiscard]] std::int64_t cost() const { return *cost_; }  ///< REQUIRES: has_roster().
  [[nodiscard]] std::int64_t bound() const { return bound_; }
  [[nodiscard]] const Roster& roster() const { return roster_; }
  [[nodiscard]] double seconds() const;

  /// Options for a program whose costs are lower than the roster's by `unavoidable`. Its bound is
  /// reported as a bound of the search only when `exact`: when no roster is missing from the
  /// program.
  struct Part {
    std::int64_t unavoidable = 0;
    bool exact = false;
    double share = 1;  ///< Of the time that is left.
  };
  ProgramOptions program_options(const Part& part);

 private:
  void report() const;

  const Instance& instance_;
  const Options& options_;
  std::chrono::steady_clock::time_point start_;
  std::optional<std::int64_t> cost_;
  std::optional<std::int64_t> announced_;  ///< At least as good as cost_; its roster may follow.
  std::int64_t bound_ = 0;
  Roster roster_;
};

}  // namespace penstock::roster
