// SPDX-License-Identifier: MIT
//
// Checks a roster against every hard rule and sums its cost, from the instance alone.
//
// Written apart from the solver on purpose: it shares the model in instance.h and nothing else, so
// that a mistake in the pattern graph, in a program or in CBC shows up as a violation here.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "apps/roster/instance.h"

namespace penstock::roster {

enum class Rule : std::uint8_t {
  shape,  ///< Wrong number of rows or days, or a shift that does not exist.
  cell,
  succession,
  max_shifts,
  max_minutes,
  min_minutes,
  max_consecutive,
  min_consecutive,
  min_days_off,
  max_weekends,
  shortage,
  surplus,
};

/// The value's name, such as "max_minutes".
std::string_view to_string(Rule rule);

struct Violation {
  Rule rule = Rule::shape;
  std::string text;  ///< Who, when, what is and what is allowed.
};

struct Verdict {
  std::vector<Violation> violations;
  std::int64_t cost = 0;  ///< 0 when the shape is wrong.
  [[nodiscard]] bool feasible() const { return violations.empty(); }
};

Verdict verify(const Instance& instance, const Roster& roster);

}  // namespace penstock::roster
