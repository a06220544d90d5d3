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
  Bell news{};                            ///< Moves with everything that happens.
  std::optional<Time> oldest_ended = {};  ///< Until when the next ended job is kept.
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
  [[nodiscard]] bool should_prune(const Findings& findings, Time now, SteadyTime steady) const;

  Store& store_;
  const Retention retention_;
  SteadyTime next_prune_{}, prune_anyway_{};
  Bell pruned_at_{};  // The news that the last prune knew.
};

}  // namespace penstock
