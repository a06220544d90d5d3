// SPDX-License-Identifier: MIT
//
// Checks the story that the event stream tells: every job moves only as the table of states allows,
// each move begins where the last one ended, and the end is told once.
#pragma once

#include "store/store.h"

#include <string>
#include <vector>

namespace penstock::testing {

/// What is wrong with the history of these jobs, a line each; empty when nothing is.
std::vector<std::string> faults_of_history(Store& store, const std::vector<JobId>& jobs);

}  // namespace penstock::testing
