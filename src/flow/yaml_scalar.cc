// SPDX-License-Identifier: MIT
//
// What plain text stands for in YAML's core schema, and how values are written as JSON.
#include "flow/yaml_text.h"
#include "rules/json.h"
#include "rules/name.h"

#include <charconv>
#include <cmath>
#include <map>

namespace penstock::flow {
namespace {

using Kind = YamlValue::Kind;
using Shared = std::shared_ptr<const YamlValue>;

bool all_of(std::string_view text, std::string_view set) {
  return !text.empty() && text.find_first_not_of(set) == std::string_view::npos;
}

constexpr std::string_view digits = "0123456789";

std::string_view without_sign(std::string_view text) {
  const bool has_sign = text.starts_with('-') || text.starts_with('+');
  return has_sign ? text.substr(1) : text;
}

bool is_float(std::string_view text) {
  text = without_sign(text);
  const auto end_of_digits = [&] { return std::min(text.find_first_not_of(digits), text.size()); };
  std::size_t count = end_of_digits();
  text.remove_prefix(count);
  if (text.starts_with('.')) {
    text.remove_prefix(1);
    const std::size_t more = end_of_digits();
    count += more;
    text.remove_prefix(more);
  }
  if (count == 0) return false;
  if (text.empty()) return true;
  if (text.front() != 'e' && text.front() != 'E') return false;
  return all_of(without_sign(text.substr(1)), digits);
}

// .inf and .nan are numbers too, which JSON does not have.
bool is_no_json_number(std::string_view text) {
  const std::string_view bare = without_sign(text);
  return bare == ".inf" || bare == ".Inf" || bare == ".INF" || text == ".nan" || text == ".NaN" ||
         text == ".NAN";
}

}  // namespace

Kind kind_of_plain(std::string_view text) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") {
    return Kind::null;
  }
  for (const std::string_view word : {"true", "True", "TRUE", "false", "False", "FALSE"}) {
    if (text == word) return Kind::boolean;
  }
  const bool octal = text.starts_with("0o") && all_of(text.substr(2), "01234567");
  const bool hex = text.starts_with("0x") && all_of(text.substr(2), "0123456789abcdefABCDEF");
  const bool number = octal || hex || is_float(text) || is_no_json_number(text);
  return number ? Kind::number : Kind::text;
}

namespace {

Result<std::string> number_to_json(const YamlValue& value) {
  const std::string_view text = value.text;
  const auto refuse = [&] {
    return Error{Errc::invalid, rules::printable(text) + " is no number that JSON has: quote it"};
  };
  if (is_no_json_number(text)) return refuse();
  if (text.starts_with("0o") || text.starts_with("0x")) {
    std::uint64_t number = 0;
    const char* const end = text.data() + text.size();
    const int base = text[1] == 'o' ? 8 : 16;
    const auto [after, error] = std::from_chars(text.data() + 2, end, number, base);
    if (error != std::errc{} || after != end) return refuse();
    return std::to_string(number);
  }
  double real = 0;
  const std::string_view bare = without_sign(text);
  const auto [after, error] = std::from_chars(bare.data(), bare.data() + bare.size(), real);
  const bool read = error == std::errc{} && std::isfinite(real);
  if (!read) return refuse();
  std::string out = text.starts_with('-') ? "-" : "";
  const std::size_t whole = std::min(bare.find_first_not_of(digits), bare.size());
  const std::size_t zeros = std::min(bare.find_first_not_of('0'), whole);
  out += zeros == whole ? "0" : bare.substr(zeros, whole - zeros);
  std::string_view rest = bare.substr(whole);
  if (rest.starts_with('.')) {
    const std::size_t end = std::min(rest.find_first_not_of(digits, 1), rest.size());
    out += '.';
    out += end == 1 ? "0" : rest.substr(1, end - 1);
    rest.remove_prefix(end);
  }
  return out.append(rest);
}

Result<void> write_json(const YamlValue& value, rules::JsonWriter& out) {
  switch (value.kind) {
    case Kind::null:
      out.null();
      return {};
    case Kind::boolean:
      out.boolean(value.text.front() == 't' || value.text.front() == 'T');
      return {};
    case Kind::number: {
      auto number = number_to_json(value);
      if (!number) return std::move(number).error();
      out.raw(*number);
      return {};
    }
    case Kind::text:
      out.text(value.text);
      return {};
    case Kind::list:
      out.begin_array();
      for (const Shared& item : value.items) {
        if (auto ok = write_json(*item, out); !ok) return ok;
      }
      out.end_array();
      return {};
    case Kind::map:
      break;
  }
  out.begin_object();
  std::map<std::string_view, bool> seen;
  for (const YamlMember& member : value.members) {
    if (!seen.emplace(member.key, true).second) continue;
    out.key(member.key);
    if (auto ok = write_json(*member.value, out); !ok) return ok;
  }
  out.end_object();
  return {};
}

}  // namespace

Result<std::string> yaml_to_json(const YamlValue& value) {
  rules::JsonWriter out;
  if (auto ok = write_json(value, out); !ok) return std::move(ok).error();
  return out.take();
}

std::string describe(const YamlValue& value) {
  switch (value.kind) {
    case Kind::null:
      return "nothing";
    case Kind::boolean:
      return rules::printable(value.text);
    case Kind::number:
      return "the number " + rules::printable(value.text);
    case Kind::text:
      return "the text \"" + rules::printable(value.text) + '"';
    case Kind::list:
      return "a list";
    case Kind::map:
      break;
  }
  return "a mapping";
}

}  // namespace penstock::flow
