// SPDX-License-Identifier: MIT
//
// Slots that must be filled: who stands in them, which stay empty, and why nobody can take one.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "apps/roster/instance.h"

namespace penstock::roster {

/// "not_qualified" and so on; "open" for a cell that is open.
std::string_view to_string(Cell cell);

struct UnfilledSlot {
  int cover = 0;  ///< Index in Instance::covers.
  int missing = 0;
};

/// The exact covers that the roster leaves short, in their order.
std::vector<UnfilledSlot> unfilled_slots(const Instance& instance, const Roster& roster);

/// How many employees may take the slot, and how many each rule keeps out.
std::string explain_slot(const Instance& instance, const Cover& cover);

/// One sentence for the unfilled slots, with the first of them explained; empty when there is none.
/// A slot that nobody can take is named before others.
std::string describe_unfilled(const Instance& instance, const Roster& roster);

}  // namespace penstock::roster
