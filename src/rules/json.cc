// SPDX-License-Identifier: MIT
#include "rules/json.h"

#include "rules/duration.h"
#include "rules/limits.h"
#include "rules/name.h"

#include <penstock/json.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>

namespace penstock {
namespace {

// Accepts a document without building it; stops at the first level that is too deep. The library's
// parser keeps its own stack on the heap, so depth costs memory, never the call stack.
class DepthCheck : public nlohmann::json_sax<json> {
 public:
  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t&) override { return true; }
  bool string(string_t&) override { return true; }
  bool binary(binary_t&) override { return true; }
  bool key(string_t&) override { return true; }
  bool start_object(std::size_t) override { return enter(); }
  bool end_object() override { return leave(); }
  bool start_array(std::size_t) override { return enter(); }
  bool end_array() override { return leave(); }
  bool parse_error(std::size_t at, const std::string&,
                   const nlohmann::detail::exception&) override {
    error = "is not JSON: stopped making sense at byte " + std::to_string(at);
    return false;
  }

  std::string error;

 private:
  bool enter() {
    if (++depth_ <= rules::max_json_depth) return true;
    error = "is nested deeper than " + std::to_string(rules::max_json_depth) + " levels";
    return false;
  }
  bool leave() {
    --depth_;
    return true;
  }

  int depth_ = 0;
};

bool is_blank(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

std::string bad_byte(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = rules::utf8_length(text, i);
    if (length == 0) {
      const std::size_t from = i - std::min<std::size_t>(i, 20);
      return "is not JSON: byte " + std::to_string(i + 1) + " is " +
             rules::printable(text.substr(i, 1)) + ", which is not UTF-8, behind \"" +
             rules::printable(text.substr(from, i - from)) + '"';
    }
    i += length;
  }
  return {};
}

std::string fault_in(std::string_view text) {
  // The library skips it; whoever reads the text later may not.
  if (text.starts_with("\xef\xbb\xbf")) return "begins with a byte order mark: remove it";
  DepthCheck check;
  if (json::sax_parse(text.begin(), text.end(), &check)) return {};
  if (const std::string fault = bad_byte(text); !fault.empty()) return fault;
  return check.error.empty() ? "is not JSON" : check.error;
}

}  // namespace

Result<json> parse_json(std::string_view text) {
  if (const std::string fault = fault_in(text); !fault.empty()) {
    return Error{Errc::invalid, "text " + fault};
  }
  return json::parse(text.begin(), text.end(), nullptr, false);
}

namespace {

// What JSON does not have, and the way to it.
struct Unwritable {
  std::string what = {};
  std::string path = {};
};

// The levels bound how deep this goes.
bool find_unwritable(const json& value, int level, Unwritable& found) {
  if (value.is_number_float()) {
    const double number = value.get<double>();
    if (std::isfinite(number)) return false;
    found.what = std::isnan(number) ? "NaN" : number < 0 ? "-infinity" : "infinity";
    return true;
  }
  if (!value.is_structured()) return false;
  if (level == rules::max_json_depth) return true;
  if (value.is_array()) {
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (!find_unwritable(value[i], level + 1, found)) continue;
      found.path.insert(0, '/' + std::to_string(i));
      return true;
    }
    return false;
  }
  for (auto member = value.begin(); member != value.end(); ++member) {
    if (!find_unwritable(*member, level + 1, found)) continue;
    found.path.insert(0, '/' + member.key());
    return true;
  }
  return false;
}

constexpr std::size_t most_shown = 80;  // Bytes of a text.
constexpr int most_suspects = 3;

std::string described(const json& value) {
  if (value.is_string()) {
    return "text \"" + rules::printable(value.get_ref<const std::string&>(), most_shown) + '"';
  }
  if (value.is_number()) return "the number " + value.dump();
  if (value.is_array()) return "a list";
  return value.is_object() ? "an object" : value.dump();
}

// "[json.exception.type_error.302] type must be number, but is string" without what is in brackets.
std::string_view without_number(std::string_view told) {
  const auto end = told.find("] ");
  return told.starts_with("[json.exception") && end != told.npos ? told.substr(end + 2) : told;
}

// The library names the type of the member that does not fit, and not the member.
std::string suspects(const json& value, std::string_view told) {
  if (!value.is_structured()) return {};
  std::string names;
  int count = 0;
  for (const auto& [key, member] : value.items()) {
    if (!told.ends_with(std::string("but is ") + member.type_name())) continue;
    if (++count > most_suspects) return " (" + names + ", ...)";
    const std::string name = value.is_array() ? "item " + key : '"' + rules::printable(key) + '"';
    names += (names.empty() ? "" : ", ") + name + " is " + described(member);
  }
  return names.empty() ? "" : " (" + names + ')';
}

}  // namespace

Result<std::string> write_json(const json& value) {
  Unwritable found;
  if (find_unwritable(value, 0, found)) {
    if (found.what.empty()) {
      return Error{Errc::invalid,
                   "it is nested deeper than " + std::to_string(rules::max_json_depth) + " levels"};
    }
    const std::string where =
        found.path.empty() ? "is " + found.what
                           : "holds " + found.what + " at " + rules::printable(found.path, 200);
    return Error{Errc::invalid, "it " + where + ", which JSON does not have"};
  }
  try {
    return value.dump();
  } catch (const json::exception& e) {  // Text that is not UTF-8.
    return Error{Errc::invalid, std::string(without_number(e.what()))};
  }
}

std::string misfit(std::string_view wanted, const json& value, std::string_view told) {
  if (!wanted.empty()) {
    const bool out_of_range = wanted == detail::json_kind<int>() && value.is_number_integer();
    return "must be " + std::string(wanted) + ", but is " + described(value) +
           (out_of_range ? ", which its type cannot hold" : "");
  }
  const std::string_view said = without_number(told);
  return "does not fit: " + std::string(said) + suspects(value, said);
}

bool detail::is_whole(const json& value, std::int64_t least, std::uint64_t most) {
  if (value.is_number_unsigned()) return value.get<std::uint64_t>() <= most;
  if (value.is_number_integer()) {
    const auto number = value.get<std::int64_t>();
    return number >= least && (number < 0 || static_cast<std::uint64_t>(number) <= most);
  }
  if (!value.is_number_float()) return false;
  constexpr double exact = 9'007'199'254'740'992;  // 2^53: beyond it not every whole number is one.
  const double number = value.get<double>();
  return std::trunc(number) == number && std::abs(number) <= exact &&
         number >= static_cast<double>(least) && number <= static_cast<double>(most);
}

namespace rules {

Result<void> check_json(std::string_view what, std::string_view text, std::size_t limit) {
  if (text.size() > limit) {
    return Error{Errc::too_large, std::string(what) + " has " + std::to_string(text.size()) +
                                      " bytes, the limit is " + std::to_string(limit) +
                                      ": store it elsewhere and pass a reference"};
  }
  if (const std::string fault = fault_in(text); !fault.empty()) {
    return Error{Errc::invalid,
                 std::string(what) + " " + fault + ": \"" + printable(text, 40) + "\""};
  }
  return {};
}

std::string write_string_map(const std::map<std::string, std::string>& map) {
  JsonWriter writer;
  writer.begin_object();
  for (const auto& [key, value] : map) writer.key(key).text(value);
  return writer.end_object().take();
}

Result<std::map<std::string, std::string>> read_string_map(std::string_view text) {
  return Codec<std::map<std::string, std::string>>::decode(text);
}

Result<std::string> read_string(std::string_view text) { return Codec<std::string>::decode(text); }

Result<std::vector<std::string>> read_string_list(std::string_view text) {
  return Codec<std::vector<std::string>>::decode(text);
}

std::string valid_utf8(std::string_view text) {
  std::string valid;
  valid.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t length = utf8_length(text, i);
    if (length == 0) {
      valid += "\xef\xbf\xbd";
      ++i;
    } else {
      valid += text.substr(i, length);
      i += length;
    }
  }
  return valid;
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  for (std::size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
      ++i;
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(c));
      out += c == '\n' ? "\\n" : c == '\t' ? "\\t" : c == '\r' ? "\\r" : escaped;
      ++i;
    } else if (const std::size_t length = utf8_length(text, i); length != 0) {
      out += text.substr(i, length);
      i += length;
    } else {
      out += "\xef\xbf\xbd";
      ++i;
    }
  }
  out += '"';
}

void JsonWriter::separate() {
  if (!first_) out_ += ',';
  first_ = false;
}

JsonWriter& JsonWriter::open(char bracket) {
  separate();
  out_ += bracket;
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::close(char bracket) {
  out_ += bracket;
  first_ = false;
  return *this;
}

JsonWriter& JsonWriter::key(std::string_view name) {
  separate();
  append_json_string(out_, name);
  out_ += ':';
  first_ = true;
  return *this;
}

JsonWriter& JsonWriter::text(std::string_view value) {
  separate();
  append_json_string(out_, value);
  return *this;
}

JsonWriter& JsonWriter::number(std::int64_t value) {
  separate();
  out_ += std::to_string(value);
  return *this;
}

JsonWriter& JsonWriter::real(double value) {
  separate();
  char text[40];
  const auto [end, error] = std::to_chars(text, text + sizeof text, value);
  out_.append(text, error == std::errc{} ? end : text);
  return *this;
}

JsonWriter& JsonWriter::boolean(bool value) { return raw(value ? "true" : "false"); }
JsonWriter& JsonWriter::null() { return raw("null"); }

JsonWriter& JsonWriter::raw(std::string_view json) {
  separate();
  bool in_text = false;
  for (std::size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (c == '"') in_text = !in_text;
    if (in_text && c == '\\' && i + 1 < json.size()) out_ += json[i++];
    if (in_text || !is_blank(c)) out_ += json[i];
  }
  return *this;
}

void text_or_null(JsonWriter& out, std::string_view key, std::string_view text) {
  out.key(key);
  if (text.empty()) {
    out.null();
  } else {
    out.text(text);
  }
}

void time_or_null(JsonWriter& out, std::string_view key, const std::optional<Time>& time) {
  out.key(key);
  if (time) {
    out.text(format_time(*time));
  } else {
    out.null();
  }
}

}  // namespace rules
}  // namespace penstock
