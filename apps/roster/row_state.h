// SPDX-License-Identifier: MIT
//
// What must be remembered of an employee's first days to know which next days keep the limits.
//
// Whatever can no longer bind is left out, so that rows with the same future share one state; the
// fewer states, the smaller the pattern graph that is built from them.
#pragma once

#include <optional>
#include <vector>

#include "apps/roster/instance.h"

namespace penstock::roster {

struct RowState {
  int last = off;        ///< The shift of the last day, or one with the same followers.
  int run = 0;           ///< Days in the current run, as far as it matters.
  bool at_start = true;  ///< This run of work touches day 0 and may be too short.
  int weekends = 0;
  int minutes = 0;
  std::vector<int> counts;  ///< Of each shift whose maximum can bind.

  bool operator==(const RowState&) const = default;
};

struct RowStateHash {
  std::size_t operator()(const RowState& state) const;
};

/// The rules of one Limits as a state machine. Keeps references: outlive neither argument.
class RowRules {
 public:
  RowRules(const Instance& instance, const Limits& limits);

  [[nodiscard]] RowState start() const;
  /// The state after working `shift` (or `off`) on `day`; nothing when a rule forbids it.
  [[nodiscard]] std::optional<RowState> step(const RowState& state, int day, int shift) const;
  /// The row may end here.
  [[nodiscard]] bool accepts(const RowState& state) const;

 private:
  [[nodiscard]] std::optional<RowState> rest(const RowState& state, int day) const;
  [[nodiscard]] bool may_follow(const RowState& state, int shift) const;
  [[nodiscard]] bool add_load(const RowState& before, int day, int shift, RowState& after) const;

  const Instance& instance_;
  const Limits& limits_;
  bool minutes_bind_ = false;
  bool max_minutes_bind_ = false;
  bool weekends_bind_ = false;
  bool max_consecutive_binds_ = false;
  std::vector<int> count_slot_;  ///< Where in RowState::counts a shift is, or -1.
  int count_slots_ = 0;
  std::vector<int> same_followers_;  ///< The first shift with the same forbidden followers.
};

}  // namespace penstock::roster
