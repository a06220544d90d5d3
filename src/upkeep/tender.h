// SPDX-License-Identifier: MIT
//
// The upkeep of one process: rescues whom the beats show dead, and, while it holds the upkeep
// lease, promotes what is due and prunes what is old. One step does a bounded amount of each.
#pragma once

#include "store/store.h"

#include <vector>

namespace penstock {

/// What the beats of a process have shown since the last step.
struct Findings {
  std::vector<Watched> dead = {};
  bool holds_lease = false;
  std::optional<Time> next_due = {};
  bool due_moved = false;  ///< Something was scheduled since: `next_due` may be too late.
};

/// Not thread-safe. `step` is called by a loop, or by a test.
class Tender {
 public:
  Tender(Store& store, Retention retention) : store_(store), retention_(retention) {}

  /// Does what is to be done now; returns when to come back at the latest.
  Result<Duration> step(const Findings& findings);

 private:
  Result<void> rescue(const Findings& findings);
  Result<Duration> promote(const Findings& findings, Time now);

  Store& store_;
  const Retention retention_;
  SteadyTime next_prune_{};
};

}  // namespace penstock
