// SPDX-License-Identifier: MIT
//
// The JSON codec: checking text that comes from outside, writing text that goes out. Elsewhere in
// the engine JSON is text; the library behind this is included in json.cc and job_json.cc alone.
#pragma once

#include <penstock/clock.h>
#include <penstock/result.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::rules {

/// True JSON of at most 64 levels and `limit` bytes. `what` is how the error calls it: "payload".
Result<void> check_json(std::string_view what, std::string_view text, std::size_t limit);

/// {"a":"b"} both ways; reading refuses anything but an object of strings.
std::string write_string_map(const std::map<std::string, std::string>& map);
Result<std::map<std::string, std::string>> read_string_map(std::string_view json);

/// A JSON string and a JSON array of strings, as what they stand for. Errors: invalid.
Result<std::string> read_string(std::string_view json);
Result<std::vector<std::string>> read_string_list(std::string_view json);

/// Appends `text` as a JSON string; bytes that are not UTF-8 become U+FFFD.
void append_json_string(std::string& out, std::string_view text);
/// `text` with U+FFFD for every byte that is not UTF-8.
std::string valid_utf8(std::string_view text);

class JsonWriter;
/// A member that is null when there is nothing: an empty text, no time.
void text_or_null(JsonWriter& out, std::string_view key, std::string_view text);
void time_or_null(JsonWriter& out, std::string_view key, const std::optional<Time>& time);

/// Writes one JSON object or array, without spaces. Null and absent are the caller's choice.
class JsonWriter {
 public:
  JsonWriter& begin_object() { return open('{'); }
  JsonWriter& end_object() { return close('}'); }
  JsonWriter& begin_array() { return open('['); }
  JsonWriter& end_array() { return close(']'); }
  JsonWriter& key(std::string_view name);
  JsonWriter& text(std::string_view value);
  JsonWriter& number(std::int64_t value);
  JsonWriter& real(double value);
  JsonWriter& boolean(bool value);
  JsonWriter& null();
  /// JSON text, without the blanks and line ends between its parts.
  JsonWriter& raw(std::string_view json);
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  JsonWriter& open(char bracket);
  JsonWriter& close(char bracket);
  void separate();

  std::string out_;
  bool first_ = true;
};

}  // namespace penstock::rules
