// SPDX-License-Identifier: MIT
//
// What the strings of a flow's definition mean: paths into a run ($.nodes.clean.result.rows),
// conditions (`when`), and JSON with paths in it (`with`). Total, bounded, without side effects: an
// expression has at most 256 terms, and what is not there is null.
//
//   condition   paths, JSON literals, == != < <= > >= and or not in, ( )
//   with        JSON; a string that begins with "$." is replaced by what the path leads to, one
//               that begins with "$$." loses its first character
#pragma once

#include "rules/path.h"

#include <memory>

namespace penstock::rules {

inline constexpr int max_expression_terms = 256;

class Expression {
 public:
  /// Errors: invalid, with the column.
  static Result<Expression> parse(std::string_view text);
  /// Truth of the value: false for false, null, 0, "", [] and {}. Comparing values of different
  /// kinds is false (!= is true).
  [[nodiscard]] bool evaluate(const RootValue& values) const;

  /// In the order in which they stand there.
  [[nodiscard]] std::vector<PathUse> paths() const;

  struct Term;

 private:
  std::shared_ptr<const Term> root_ = {};
};

}  // namespace penstock::rules
