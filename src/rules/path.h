// SPDX-License-Identifier: MIT
//
// Paths into a run, in the strings of a flow's definition: $.nodes.clean.result.rows. What is not
// there is null.
//
//   $.input.a.b[0]   $.shared.key   $.nodes.NAME.result   $.nodes.NAME.error   $.item $.params.key
//   a key with other characters: $.shared["any text"]
#pragma once

#include <penstock/result.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::rules {

/// Where a path begins: what has to be read from the run before anything can be evaluated.
struct PathRoot {
  enum class Kind : std::uint8_t { input, shared, result, error, item, params };
  Kind kind = Kind::input;
  std::string name = {};  ///< Of the key (shared) or the node (result, error).
  friend auto operator<=>(const PathRoot&, const PathRoot&) = default;
};

/// A path in a text of a definition.
struct PathUse {
  PathRoot root = {};
  std::string text = {};  ///< In `with`: as it is written.
  std::size_t at = 0;     ///< In a condition: the byte at which it begins.
};

/// The JSON text at a root; nothing: it is not there, which is null.
using RootValue = std::function<std::optional<std::string>(const PathRoot&)>;

/// What a name in a path is made of.
bool is_key_character(char c);
/// An invalid that names the column of byte `at`.
Error at_column(std::size_t at, const std::string& what);

class Path {
 public:
  /// Errors: invalid, with the column.
  static Result<Path> parse(std::string_view text);
  /// Reads a path that begins at `at`, and leaves `at` behind it.
  static Result<Path> parse_at(std::string_view text, std::size_t& at);
  [[nodiscard]] const PathRoot& root() const { return root_; }
  /// JSON text; "null" when it leads nowhere.
  [[nodiscard]] std::string evaluate(const RootValue& values) const;

 private:
  PathRoot root_ = {};
  std::vector<std::string> steps_ = {};  ///< Keys; an index is a number in brackets.
  std::vector<bool> is_index_ = {};
};

/// JSON with paths in its strings.
class Template {
 public:
  /// Errors: invalid: no JSON, or a path that is none.
  static Result<Template> parse(std::string_view json);
  [[nodiscard]] std::vector<PathUse> paths() const;
  [[nodiscard]] std::string evaluate(const RootValue& values) const;

 private:
  std::string text_ = {};
};

}  // namespace penstock::rules
