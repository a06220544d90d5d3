// SPDX-License-Identifier: MIT
//
// A roster as plain text: a line for each employee, a column for each day, '.' for rest.
#pragma once

#include <string>

#include "apps/roster/instance.h"

namespace penstock::roster {

/// Blocks of four weeks below each other. The benchmark format heads its columns with day numbers,
/// the small format with days of the month. REQUIRES: the roster has the instance's shape.
std::string render_table(const Instance& instance, const Roster& roster);

}  // namespace penstock::roster
