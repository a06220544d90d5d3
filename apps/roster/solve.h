// SPDX-License-Identifier: MIT
//
// Finds a roster of the least cost and says how far it proved that there is no better one.
//
// Three exact ways, chosen by size: few patterns are listed and one is selected for each employee;
// small pattern graphs become one flow program; everything else is column generation, whose bound
// then limits which further rows an improvement could use. OPTIMAL is only ever said when the bound
// met the cost. Any number of threads may solve at once.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include <penstock/clock.h>
#include <penstock/result.h>
#include "apps/roster/instance.h"

namespace penstock::roster {

enum class Status : std::uint8_t {
  optimal,     ///< The roster costs `bound`, and none costs less.
  feasible,    ///< A limit, a stop or the size ended the search; none costs less than `bound`.
  infeasible,  ///< Proven; `reason` names who or what stands in the way.
  time_limit,  ///< A limit or a stop came before any roster that keeps every hard rule.
};

/// "OPTIMAL", "FEASIBLE", "INFEASIBLE" or "TIME_LIMIT".
std::string_view to_string(Status status);

struct Progress {
  std::optional<std::int64_t> incumbent;
  std::int64_t bound = 0;
  double seconds = 0;
};

struct Options {
  std::chrono::duration<double> time_limit{60};
  std::stop_token stop;
  /// Called on the solving thread each time the incumbent or the bound got better. It must not
  /// throw; to end the search from here, request a stop.
  std::function<void(const Progress&)> on_progress;
  /// The clock that limits and `seconds` are measured with.
  std::function<SteadyTime()> now = [] { return real_clock().steady(); };
};

struct Solution {
  Status status = Status::time_limit;
  std::optional<std::int64_t> cost;  ///< Of `roster`; missing when there is none.
  std::int64_t bound = 0;
  /// Empty when nothing was found. In the small format, a roster that leaves slots empty comes with
  /// INFEASIBLE or TIME_LIMIT, and `cost` counts those slots.
  Roster roster;
  std::string reason;  ///< For people; empty when optimal.
  double seconds = 0;
};

/// Errc::too_large when an employee's limits need too many states, Errc::internal when CBC fails.
Result<Solution> solve(const Instance& instance, const Options& options);

}  // namespace penstock::roster
