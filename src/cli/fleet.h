// SPDX-License-Identifier: MIT
//
// Several worker processes of this program under one supervisor: `worker --processes`, `worker
// --reload`, `pool start`. The children are told what was typed; settings they read themselves, so
// that a changed file counts when they are replaced.
#pragma once

#include <penstock/app.h>

#include <functional>
#include <string>
#include <vector>

namespace penstock::cli {

struct FleetWish {
  int processes = 1;
  Duration grace{30'000};
  std::string name_prefix = {};         ///< Children are PREFIX-1, PREFIX-2 ...
  std::function<void()> on_ready = {};  ///< Every child takes jobs.
};

/// The flags of `worker`, which a pool takes too.
std::vector<Flag> worker_flags();

/// What each of `count` children would refuse: once, before the first starts.
Result<void> check_fleet(const Arguments& arguments, int count);

/// Runs until a signal and until every child has ended; the exit code.
int run_fleet(const Arguments& arguments, const FleetWish& wish);

}  // namespace penstock::cli
