// SPDX-License-Identifier: MIT
//
// One JSON object cut into its members, without building it: what stands behind a name is handed
// out as the text it is. For lines that are mostly a value to be passed on, such as a program's
// result. The cut checks quotes, brackets and commas; whoever uses a value checks the value.
#pragma once

#include <penstock/result.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::rules {

/// Views into the text that was parsed, which has to outlive it.
class JsonObject {
 public:
  /// Errors: invalid, with the byte where it stops to look like an object.
  static Result<JsonObject> parse(std::string_view text);

  /// The value's text, without blanks around it; nothing when there is no such member, or null.
  [[nodiscard]] std::optional<std::string_view> raw(std::string_view name) const;
  [[nodiscard]] bool has(std::string_view name) const;
  /// A string, bytes that are no UTF-8 replaced. Nothing when absent; invalid for another type.
  [[nodiscard]] Result<std::optional<std::string>> text(std::string_view name) const;
  [[nodiscard]] Result<std::optional<double>> number(std::string_view name) const;
  [[nodiscard]] Result<std::optional<bool>> boolean(std::string_view name) const;

 private:
  struct Member {
    std::string_view name, value;
  };
  std::vector<Member> members_ = {};
};

}  // namespace penstock::rules
