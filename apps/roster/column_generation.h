// SPDX-License-Identifier: MIT
//
// Solves instances with far too many patterns to list, by pricing rows against the cover's duals.
//
// The linear program over the rows found so far gives duals; the pattern graphs give each
// employee's cheapest row under them; both together give a bound that holds for every roster. A row
// whose cost under the duals is above its employee's cheapest by more than the gap between bound
// and incumbent is in no better roster: the rows that remain are listed and selected from exactly.
#pragma once

#include <penstock/result.h>
#include "apps/roster/instance.h"
#include "apps/roster/patterns.h"
#include "apps/roster/search.h"

namespace penstock::roster {

/// Improves the search's roster and bound until proven or over. When the rows that remain are too
/// many to select from, a proof is tried again after each improvement, for at most `rounds` partial
/// dives; then it ends with a gap. REQUIRES: the search has a roster. Errc::internal when the
/// linear program fails.
Result<void> generate_columns(const Instance& instance, const Patterns& patterns, Search& search,
                              int rounds);

}  // namespace penstock::roster
