// SPDX-License-Identifier: MIT
//
// From an input's text to its answer: what the task and the command have in common.
#pragma once

#include <penstock/clock.h>
#include <penstock/result.h>
#include "apps/roster/instance.h"
#include "apps/roster/solve.h"

#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

namespace penstock::roster {

struct SolveRequest {
  std::string_view text;                                 ///< Whatever read_instance takes.
  std::string run_id = {};                               ///< Goes into the answer.
  std::optional<std::chrono::duration<double>> limit{};  ///< Comes before the input's own.
  std::optional<SteadyTime> deadline = {};               ///< The search ends a moment before it.
  std::stop_token stop = {};
  std::function<void(const Progress&)> on_progress = {};
};

struct Solved {
  Instance instance;
  Solution solution;
  std::string answer;  ///< JSON, see answer.h.
};

/// Limit: the request's, else the input's (time_limit_seconds, solverRunTime.maxSeconds), else a
/// minute. Errors: invalid and too_large (the input), internal (the solver).
Result<Solved> solve_text(const SolveRequest& request);

/// "incumbent 612, bound 607"
std::string to_text(const Progress& progress);

}  // namespace penstock::roster
