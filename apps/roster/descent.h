// SPDX-License-Identifier: MIT
//
// A quick good roster: rewrite one employee's row at a time as well as the others allow.
//
// Gives the search its first incumbent within milliseconds and column generation its first rows.
#pragma once

#include "apps/roster/instance.h"
#include "apps/roster/patterns.h"
#include "apps/roster/search.h"

namespace penstock::roster {

/// Offers ever better rosters to `search` until no single row can be improved, for a few starting
/// orders of the employees. REQUIRES: every employee has a pattern.
void descend(const Instance& instance, const Patterns& patterns, Search& search);

/// The same from a given roster, once.
void descend_from(const Instance& instance, const Patterns& patterns, Roster roster,
                  Search& search);

}  // namespace penstock::roster
