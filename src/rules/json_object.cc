// SPDX-License-Identifier: MIT
#include "rules/json_object.h"

#include "rules/json.h"
#include "rules/name.h"

#include <charconv>

namespace penstock::rules {
namespace {

// Walks over JSON text; every method returns false where the text does not go on as it should.
class Cut {
 public:
  explicit Cut(std::string_view text) : text_(text) {}

  [[nodiscard]] std::size_t at() const { return at_; }
  // A backslash that is the last byte leads behind the end.
  [[nodiscard]] bool at_end() const { return at_ >= text_.size(); }
  void blanks() {
    while (!at_end() && std::string_view(" \t\r\n").find(text_[at_]) != std::string_view::npos) {
      ++at_;
    }
  }
  bool take(char c) {
    if (at_end() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  // A string, quotes included.
  bool string(std::string_view& into) {
    const std::size_t start = at_;
    if (!take('"')) return false;
    while (!at_end() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
    if (at_ >= text_.size()) {
      at_ = text_.size();
      return false;
    }
    ++at_;
    into = text_.substr(start, at_ - start);
    return true;
  }
  // Anything up to the comma or bracket that ends it.
  bool value(std::string_view& into) {
    const std::size_t start = at_;
    std::size_t depth = 0;
    for (std::string_view skipped; !at_end();) {
      const char c = text_[at_];
      if (c == '"') {
        if (!string(skipped)) return false;
        continue;
      }
      const bool closes = c == '}' || c == ']';
      if (depth == 0 && (closes || c == ',')) break;
      if (closes) --depth;
      if (c == '{' || c == '[') ++depth;
      ++at_;
    }
    into = text_.substr(start, at_ - start);
    while (!into.empty() && into.back() <= ' ') into.remove_suffix(1);
    return depth == 0 && !into.empty();
  }

 private:
  const std::string_view text_;
  std::size_t at_ = 0;
};

Error wrong_type(std::string_view name, std::string_view wanted) {
  return Error{Errc::invalid, "\"" + std::string(name) + "\" is no " + std::string(wanted)};
}

}  // namespace

Result<JsonObject> JsonObject::parse(std::string_view text) {
  JsonObject object;
  Cut cut(text);
  const auto read = [&] {
    cut.blanks();
    if (!cut.take('{')) return false;
    cut.blanks();
    if (cut.take('}')) return true;
    do {
      Member member;
      cut.blanks();
      if (!cut.string(member.name)) return false;
      cut.blanks();
      if (!cut.take(':')) return false;
      cut.blanks();
      if (!cut.value(member.value)) return false;
      member.name = member.name.substr(1, member.name.size() - 2);
      object.members_.push_back(member);
    } while (cut.take(','));
    return cut.take('}');
  };
  bool whole = read();
  cut.blanks();
  whole = whole && cut.at_end();
  if (whole) return object;
  return Error{Errc::invalid, "no JSON object: stopped making sense at byte " +
                                  std::to_string(cut.at() + 1) + " of \"" + printable(text, 40) +
                                  "\""};
}

std::optional<std::string_view> JsonObject::raw(std::string_view name) const {
  for (const Member& member : members_) {
    if (member.name != name) continue;
    if (member.value == "null") return std::nullopt;
    return member.value;
  }
  return std::nullopt;
}

bool JsonObject::has(std::string_view name) const {
  for (const Member& member : members_) {
    if (member.name == name) return true;
  }
  return false;
}

Result<std::optional<std::string>> JsonObject::text(std::string_view name) const {
  const auto value = raw(name);
  if (!value) return std::optional<std::string>();
  if (value->size() < 2 || value->front() != '"' || value->back() != '"') {
    return wrong_type(name, "text");
  }
  const std::string valid = valid_utf8(*value);
  if (valid.find('\\') == std::string::npos) {
    return std::optional(valid.substr(1, valid.size() - 2));
  }
  auto read = read_string(valid);
  if (!read) return wrong_type(name, "text");
  return std::optional(*std::move(read));
}

Result<std::optional<double>> JsonObject::number(std::string_view name) const {
  const auto value = raw(name);
  if (!value) return std::optional<double>();
  double number = 0;
  const char* const end = value->data() + value->size();
  const auto [after, error] = std::from_chars(value->data(), end, number);
  const bool is_number = error == std::errc{} && after == end && value->back() <= '9';
  if (!is_number) return wrong_type(name, "number");  // Nor are inf and nan.
  return std::optional(number);
}

Result<std::optional<bool>> JsonObject::boolean(std::string_view name) const {
  const auto value = raw(name);
  if (!value) return std::optional<bool>();
  if (*value != "true" && *value != "false") return wrong_type(name, "true or false");
  return std::optional(*value == "true");
}

}  // namespace penstock::rules
