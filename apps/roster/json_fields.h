// SPDX-License-Identifier: MIT
//
// Reads JSON with the path of the field in every complaint.
//
// Parsing refuses text that nests deeper than 64. Reading is sticky: after the first mistake every
// read gives an empty value, so that a reader may read on and ask for the error once, at the end.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json.hpp>

#include <penstock/result.h>

namespace penstock::roster {

inline constexpr int max_json_depth = 64;

/// Errc::invalid with the byte of the mistake, or when the text nests too deep.
Result<nlohmann::json> parse_json(std::string_view text);

/// A value in a document and the way to it. Refers to the document and to the shared error.
class Field {
 public:
  /// `error` collects the first mistake of this field and all below it.
  Field(const nlohmann::json& value, std::optional<Error>& error)
      : value_(&value), error_(&error) {}

  [[nodiscard]] bool has(std::string_view key) const;  ///< Present and not null.
  /// The member; a mistake when it is missing or this is not an object.
  [[nodiscard]] Field operator[](std::string_view key) const;
  /// The elements; a mistake when this is not an array of at most `most`.
  [[nodiscard]] std::vector<Field> items(std::size_t most = 100'000) const;
  /// The elements of the member, or none when it is missing.
  [[nodiscard]] std::vector<Field> items_of(std::string_view key) const;

  [[nodiscard]] std::string text() const;
  /// The member's text; `fallback` when it is missing.
  [[nodiscard]] std::string text_of(std::string_view key, std::string_view fallback = "") const;
  [[nodiscard]] int number(int least, int most) const;
  [[nodiscard]] bool flag_of(std::string_view key, bool fallback) const;
  [[nodiscard]] bool is_object() const { return value_->is_object(); }
  [[nodiscard]] bool is_text() const { return value_->is_string(); }

  /// Records "path: what".
  void fail(const std::string& what, Errc code = Errc::invalid) const;
  [[nodiscard]] bool failed() const { return error_->has_value(); }
  /// The value for a message, cut to 40 bytes.
  [[nodiscard]] std::string shown() const;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  Field(const nlohmann::json& value, std::optional<Error>& error, std::string path)
      : value_(&value), error_(&error), path_(std::move(path)) {}
  [[nodiscard]] std::string path_to(std::string_view key) const;

  const nlohmann::json* value_;
  std::optional<Error>* error_;
  std::string path_;
};

}  // namespace penstock::roster
