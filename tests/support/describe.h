// SPDX-License-Identifier: MIT
//
// A store's jobs as one line of prose, so that two of them can be compared and a difference can be
// read: "ready: a b | running: c(2) | failed: d(3)!". Jobs go by the names of their tasks, oldest
// first; in brackets the attempts, one "!" for each crash.
#pragma once

#include "store/store.h"

#include <string>
#include <vector>

namespace penstock::testing {

/// The line of these jobs, which are listed newest first.
std::string describe(const std::vector<Job>& newest_first);
std::string describe(Store& store);
/// Kept counters in the same spelling: "ready: 2 | failed: 1".
std::string describe(const Counts& counts);
/// What the counters should be, by looking at every job.
std::string recount(Store& store);
/// The tasks of reserved jobs in their order: "a b".
std::string tasks_of(const std::vector<Reserved>& jobs);
/// Every job, newest first.
std::vector<Job> all_jobs(Store& store);

}  // namespace penstock::testing
