// SPDX-License-Identifier: MIT
//
// The runs of a store as naively as they can be said: maps of text. It knows which changes are
// refused, and what the others leave; of jobs only that a field names them.
#pragma once

#include "rules/run_change.h"

#include <map>
#include <span>
#include <string>
#include <vector>

namespace penstock::testing {

class RunModel {
 public:
  /// What a store has to answer: nothing when the changes have to be applied. Of a run there is
  /// one change.
  [[nodiscard]] std::vector<rules::RunConflict> conflicts(
      std::span<const rules::RunChange> changes) const;
  /// All but jobs and what it wakes.
  void apply(const rules::RunChange& change);
  void put(const std::string& run, const std::string& field, std::string value) {
    runs_[run].fields[field] = std::move(value);
  }
  [[nodiscard]] std::optional<std::string> at(const std::string& run,
                                              const std::string& field) const;
  /// All there is of a run, a line each, sorted: FIELD=VALUE and LIST+VALUE VALUE.
  [[nodiscard]] std::string describe(const std::string& run) const;
  /// Newest first.
  [[nodiscard]] std::vector<std::string> listed() const;
  /// Forgets the runs whose time is over; how many.
  int prune(Time now);

 private:
  struct OfRun {
    std::map<std::string, std::string> fields = {};
    std::map<std::string, std::vector<std::string>> lists = {};
    std::int64_t listed = 0;  // Grows with each run that is marked for the first time.
    std::optional<Time> keep_until = {};
  };
  std::map<std::string, OfRun> runs_;
  std::int64_t marked_ = 0;
};

}  // namespace penstock::testing
