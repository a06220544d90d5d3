// SPDX-License-Identifier: MIT
//
// What the ends of nodes' jobs change in their runs, decided by the pump right before it sends
// them: on what it last knew of each run, and again when the store says that this was wrong.
#pragma once

#include "client/run_reader.h"

namespace penstock {

/// Not thread-safe.
class RunDesk {
 public:
  /// `keep`: how long an ended run is kept.
  RunDesk(RunReader& reader, Duration keep) : reader_(reader), keep_(keep) {}

  /// Assumes that what it answers will be applied.
  std::vector<rules::RunChange> decide(const rules::NodeTicket& ticket,
                                       const rules::NodeReport& report, Time now);
  /// The run's state as the store has just said.
  void learn(const std::string& run, std::string state) {
    facts_[run].learn("state", std::move(state));
  }
  /// They were refused. REQUIRES: what was decided later and refused too was taken back before.
  void take_back(const std::vector<rules::RunChange>& changes);
  /// Why; when all that was refused has been taken back.
  void learn(const std::vector<rules::RunConflict>& conflicts);

 private:
  RunReader& reader_;
  const Duration keep_;
  std::map<std::string, rules::RunFacts> facts_;
};

}  // namespace penstock
