// SPDX-License-Identifier: MIT
//
// A solution as the JSON that the job stores and the command line prints.
//
// Benchmark format: {status, cost, bound, seconds, reason, violations, assignments:[{employee, day,
// shift}]}; cost is null when there is no roster. The small format's answer is described in
// small_answer.h. Both carry what verify() says about the roster, not what the solver believes.
#pragma once

#include <string>
#include <string_view>

#include <penstock/result.h>
#include "apps/roster/instance.h"
#include "apps/roster/solve.h"

namespace penstock::roster {

/// What an answer says about its run; only the small format has a place for it. Times are RFC 3339
/// text of the caller's clock.
struct RunFacts {
  std::string_view input;  ///< The text the instance was read from.
  std::string run_id;
  std::string solver_version;
  std::string started_at;
  std::string ended_at;
};

/// One JSON object, indented. Errc::internal when the input's hash cannot be computed.
Result<std::string> answer_json(const Instance& instance, const Solution& solution,
                                const RunFacts& run);

/// The roster in an answer of either format: the inverse of answer_json, for checking a stored
/// answer. Errc::invalid when it names an employee, shift or day that the instance does not have.
Result<Roster> roster_of_answer(const Instance& instance, std::string_view answer);

}  // namespace penstock::roster
