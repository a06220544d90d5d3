// SPDX-License-Identifier: MIT
//
// YAML text as a tree of values, each with its place: what the loader (yaml.h) reads. The values
// are those of YAML 1.2's core schema: yes, on and 0777 stay text or decimal numbers, what is
// quoted is text. Bounded, so that a file from anywhere does no harm: bytes, depth, and how many
// values and bytes of text it has when every alias is counted as what it stands for.
#pragma once

#include <penstock/result.h>

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::flow {

inline constexpr std::size_t max_yaml_bytes = 1 << 20;
inline constexpr std::size_t max_yaml_values = 100'000;
inline constexpr std::size_t max_yaml_text = 8 << 20;
inline constexpr int max_yaml_depth = 64;

/// Counted from 1.
struct YamlPlace {
  int line = 1, column = 1;
  friend auto operator<=>(const YamlPlace&, const YamlPlace&) = default;
};

struct YamlMember;

struct YamlValue {
  enum class Kind : unsigned char { null, boolean, number, text, list, map };
  Kind kind = Kind::null;
  YamlPlace place = {};
  std::string text = {};  ///< Of a scalar, as it is written.
  int inset = -1;  ///< Of a scalar: its text is in the file, so many bytes behind `place`; -1: not.
  std::vector<std::shared_ptr<const YamlValue>> items = {};  ///< Of a list. Shared by aliases.
  std::vector<YamlMember> members = {};                      ///< Of a map, doubles included.
  std::size_t count = 1;                                     ///< Values in it, itself included.
  std::size_t bytes = 0;                                     ///< Of all text in it, keys included.
  int depth = 1;
};

struct YamlMember {
  std::string key = {};
  YamlPlace place = {};
  std::shared_ptr<const YamlValue> value = {};
};

struct YamlMistake {
  YamlPlace place = {};
  std::string text = {};
};

/// The one document of a text; null after a mistake, which is told.
std::shared_ptr<const YamlValue> read_yaml(std::string_view text, YamlMistake& mistake);

/// Of text without quotes: null, boolean, number or text.
YamlValue::Kind kind_of_plain(std::string_view text);

/// JSON text of a value; of a key that is there twice, the first. Errors: invalid (a number that
/// JSON does not have).
Result<std::string> yaml_to_json(const YamlValue& value);
/// "a list", "the number 3", for messages.
std::string describe(const YamlValue& value);

}  // namespace penstock::flow
