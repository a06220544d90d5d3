// SPDX-License-Identifier: MIT
#include "apps/roster/row_state.h"

#include <algorithm>

namespace penstock::roster {
namespace {

constexpr int saturday = 5;
constexpr int sunday = 6;

std::size_t at(int index) { return static_cast<std::size_t>(index); }

}  // namespace

std::size_t RowStateHash::operator()(const RowState& state) const {
  std::size_t hash = 14695981039346656037ULL;
  const auto add = [&hash](int value) {
    hash = (hash ^ static_cast<std::size_t>(value)) * 1099511628211ULL;
  };
  add(state.last);
  add(state.run * 2 + (state.at_start ? 1 : 0));
  add(state.weekends);
  add(state.minutes);
  for (const int count : state.counts) add(count);
  return hash ^ (hash >> 29U);
}

RowRules::RowRules(const Instance& instance, const Limits& limits)
    : instance_(instance), limits_(limits) {
  long long longest = 0;
  for (const Shift& shift : instance.shifts) {
    longest = std::max<long long>(longest, shift.minutes);
    const auto same = std::ranges::find_if(instance.shifts, [&shift](const Shift& other) {
      return std::ranges::is_permutation(other.forbidden_followers, shift.forbidden_followers);
    });
    same_followers_.push_back(static_cast<int>(same - instance.shifts.begin()));
  }
  max_minutes_bind_ = limits.max_minutes < longest * instance.days;
  minutes_bind_ = max_minutes_bind_ || limits.min_minutes > 0;
  weekends_bind_ = limits.max_weekends < instance.days / 7 + 2;
  max_consecutive_binds_ = limits.max_consecutive < instance.days;
  for (const int most : limits.max_shifts) {
    count_slot_.push_back(most < instance.days ? count_slots_++ : -1);
  }
}

RowState RowRules::start() const {
  RowState state;
  state.counts.assign(at(count_slots_), 0);
  return state;
}

bool RowRules::accepts(const RowState& state) const {
  return !minutes_bind_ || state.minutes >= limits_.min_minutes;
}

std::optional<RowState> RowRules::rest(const RowState& state, int day) const {
  RowState next = state;
  next.last = off;
  const bool was_working = state.last != off;
  if (was_working && !state.at_start && state.run < limits_.min_consecutive) return std::nullopt;
  next.at_start = false;
  next.run = was_working ? 1 : std::min(state.run + 1, limits_.min_days_off);
  // A rest that touches day 0 counts as long enough at once.
  if (day == 0) next.run = limits_.min_days_off;
  return next;
}

bool RowRules::may_follow(const RowState& state, int shift) const {
  if (state.last == off) return true;
  const auto& forbidden = instance_.shifts[at(state.last)].forbidden_followers;
  return std::ranges::find(forbidden, shift) == forbidden.end();
}

bool RowRules::add_load(const RowState& before, int day, int shift, RowState& after) const {
  if (minutes_bind_) {
    after.minutes += instance_.shifts[at(shift)].minutes;
    if (after.minutes > limits_.max_minutes) return false;
    if (!max_minutes_bind_) after.minutes = std::min(after.minutes, limits_.min_minutes);
  }
  const int slot = count_slot_[at(shift)];
  if (slot >= 0 && ++after.counts[at(slot)] > limits_.max_shifts[at(shift)]) return false;
  const int weekday = instance_.weekday(day);
  const bool first_of_weekend =
      weekday == saturday || (weekday == sunday && (day == 0 || before.last == off));
  if (weekends_bind_ && first_of_weekend && ++after.weekends > limits_.max_weekends) return false;
  return true;
}

std::optional<RowState> RowRules::step(const RowState& state, int day, int shift) const {
  if (shift == off) return rest(state, day);
  RowState next = state;
  next.last = same_followers_[at(shift)];
  if (day > 0 && state.last == off) {
    if (state.run < limits_.min_days_off) return std::nullopt;
    next.run = 1;
    next.at_start = false;
  } else {
    if (!may_follow(state, shift)) return std::nullopt;
    next.run = state.run + 1;
  }
  if (next.run > limits_.max_consecutive) return std::nullopt;
  if (!max_consecutive_binds_) next.run = std::min(next.run, std::max(limits_.min_consecutive, 1));
  if (next.run >= limits_.min_consecutive) next.at_start = false;
  if (!add_load(state, day, shift, next)) return std::nullopt;
  return next;
}

}  // namespace penstock::roster
