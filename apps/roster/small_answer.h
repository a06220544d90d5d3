// SPDX-License-Identifier: MIT
//
// The answer to an instance of the small JSON format.
//
//   status, cost, bound              as in the other format
//   schemaVersion, planningReference
//   solverRun        runId, solverVersion, startedAt, ended, durationSeconds, status
//   score            overall, hard, soft: hard counts violations, soft is always 0
//   scoreBreakdown   hard.violations [{rule, text}], soft.totalPenalty, soft.details
//   assignments      one for each filled slot (ASSIGNED) and each empty one (UNASSIGNED)
//   employeeRoster   for each employee and date ASSIGNED or OFF_DAY
//   rosterSummary, solutionQuality, unmetDemand
//   meta             inputHash, generatedAt, employeeHours
//
// Hours: a shift of more than 8 hours has one hour of lunch; of the rest up to 8.8 are normal (44 a
// week over five days) and the others overtime; paid are both.
#pragma once

#include <string>

#include "apps/roster/answer.h"

namespace penstock::roster {

/// REQUIRES: an instance of the small format.
Result<std::string> small_answer(const Instance& instance, const Solution& solution,
                                 const RunFacts& run);

}  // namespace penstock::roster
