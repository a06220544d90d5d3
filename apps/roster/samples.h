// SPDX-License-Identifier: MIT
//
// The instances that the program carries with it, so that the show works in any folder.
#pragma once

#include <string_view>

namespace penstock::roster {

/// Benchmark format; the least cost is 607.
std::string_view sample_ward();
/// Small JSON format; five assignments.
std::string_view sample_weekdays();

}  // namespace penstock::roster
