// SPDX-License-Identifier: MIT
//
// What the strings of a flow's definition mean: paths into a run ($.nodes.clean.result.rows),
// conditions (`when`), and JSON with paths in it (`with`). Total, bounded, without side effects: an
// expression has at most 256 terms, and what is not there is null.
//
//   path        $.input.a.b[0]   $.shared.key   $.nodes.NAME.result   $.nodes.NAME.error   $.item
//               $.params.key; a key with other characters: $.shared["any text"]
//   condition   paths, JSON literals, == != < <= > >= and or not in, ( )
//   with        JSON; a string that begins with "$." is replaced by what the path leads to, one
//               that begins with "$$." loses its first character
#pragma once

#include <penstock/result.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::rules {

inline constexpr int max_expression_terms = 256;

/// Where a path begins: what has to be read from the run before anything can be evaluated.
struct PathRoot {
  enum class Kind : std::uint8_t { input, shared, result, error, item, params };
  Kind kind = Kind::input;
  std::string name = {};  ///< Of the key (shared) or the node (result, error).
  friend auto operator<=>(const PathRoot&, const PathRoot&) = default;
};

/// The JSON text at a root; nothing: it is not there, which is null.
using RootValue = std::function<std::optional<std::string>(const PathRoot&)>;

class Path {
 public:
  /// Errors: invalid, with the column.
  static Result<Path> parse(std::string_view text);
  static Path make(PathRoot root, std::vector<std::string> steps, std::vector<bool> is_index);
  [[nodiscard]] const PathRoot& root() const { return root_; }
  /// JSON text; "null" when it leads nowhere.
  [[nodiscard]] std::string evaluate(const RootValue& values) const;

 private:
  PathRoot root_ = {};
  std::vector<std::string> steps_ = {};  ///< Keys; an index is a number in brackets.
  std::vector<bool> is_index_ = {};
};

class Expression {
 public:
  /// Errors: invalid, with the column.
  static Result<Expression> parse(std::string_view text);
  [[nodiscard]] std::vector<PathRoot> roots() const;
  /// Truth of the value: false for false, null, 0, "", [] and {}. Comparing values of different
  /// kinds is false (!= is true).
  [[nodiscard]] bool evaluate(const RootValue& values) const;

  struct Term;

 private:
  std::shared_ptr<const Term> root_ = {};
};

/// JSON with paths in its strings.
class Template {
 public:
  /// Errors: invalid: no JSON, or a path that is none.
  static Result<Template> parse(std::string_view json);
  [[nodiscard]] const std::vector<PathRoot>& roots() const { return roots_; }
  [[nodiscard]] std::string evaluate(const RootValue& values) const;

 private:
  std::string text_ = {};
  std::vector<PathRoot> roots_ = {};
};

}  // namespace penstock::rules
