// SPDX-License-Identifier: MIT
#include "rules/path.h"

#include "rules/json.h"
#include "rules/limits.h"
#include "rules/name.h"
#include "rules/perhaps.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>

namespace penstock::rules {
bool is_key_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '-';
}

Error at_column(std::size_t at, const std::string& what) {
  return Error{Errc::invalid, what + " (column " + std::to_string(at + 1) + ")"};
}

namespace {

using nlohmann::json;

json parse_or_null(const std::optional<std::string>& text) {
  return text ? json::parse(*text, nullptr, false) : json();
}

// Where in a text the steps of a path are.
struct Step {
  std::string key = {};
  bool is_index = false;
};

// How a name at `start` would have to be written that ends before `end`: $.input["KÄSE"].
std::string in_brackets(std::string_view text, std::size_t start, std::size_t end) {
  const std::string_view name = text.substr(start, end - start);
  const std::string_view before = text.substr(0, start);
  // What a path begins with has no other names.
  if (name.empty() || before.substr(before.rfind('$') + 1).size() < 2) return {};
  std::string quoted(before.substr(before.rfind('$')));
  quoted.pop_back();  // The point.
  append_json_string(quoted += '[', name);
  return ": a name with other characters than a-z, A-Z, 0-9, _ and - is written in brackets and "
         "quotes, " +
         printable(quoted + ']', 200);
}

Result<std::string> read_quoted(std::string_view text, std::size_t& at) {
  std::size_t end = at + 1;
  while (end < text.size() && text[end] != '"') end += text[end] == '\\' ? 2 : 1;
  if (end >= text.size()) return at_column(at, "the quote is not closed");
  auto key = read_string(text.substr(at, end + 1 - at));
  if (!key) return at_column(at, key.error().message);
  at = end + 1;
  return key;
}

Result<Step> read_name(std::string_view text, std::size_t& at, bool bracket) {
  const std::size_t start = at;
  while (at < text.size() && is_key_character(text[at])) ++at;
  Step step{.key = std::string(text.substr(start, at - start)), .is_index = bracket};
  if (!bracket) {
    const bool letter = at < text.size() && static_cast<unsigned char>(text[at]) >= 0x80;
    if (!step.key.empty() && !letter) return step;
    const std::size_t end = text.find_first_of(" \t\n.[])=!<>,\"'", at);
    const std::string mend = in_brackets(text, start, std::min(end, text.size()));
    if (letter) return at_column(start, "the name ends at a letter that is not ASCII" + mend);
    return at_column(start, "a name or an index is missing" + mend);
  }
  const bool digits = std::ranges::all_of(step.key, [](char c) { return c >= '0' && c <= '9'; });
  const bool closed = at < text.size() && text[at] == ']';
  if (step.key.empty() && (closed || at == text.size())) {
    return at_column(start, "a name or an index is missing");
  }
  if (!digits || step.key.empty() || step.key.size() > 9) {
    return at_column(start, "in brackets stands an index or a quoted name");
  }
  return step;
}

// Reads "$" and what follows; leaves `at` behind it.
Result<std::vector<Step>> read_steps(std::string_view text, std::size_t& at) {
  std::vector<Step> steps;
  if (at >= text.size() || text[at] != '$') return at_column(at, "a path begins with $.");
  ++at;
  while (at < text.size() && (text[at] == '.' || text[at] == '[')) {
    const bool bracket = text[at++] == '[';
    if (bracket && at < text.size() && text[at] == '"') {
      auto key = read_quoted(text, at);
      if (!key) return std::move(key).error();
      steps.push_back({.key = *std::move(key)});
    } else {
      auto step = read_name(text, at, bracket);
      if (!step) return std::move(step).error();
      steps.push_back(*std::move(step));
    }
    if (bracket) {
      if (at >= text.size() || text[at] != ']') return at_column(at, "] is missing");
      ++at;
    }
  }
  if (steps.size() > static_cast<std::size_t>(max_json_depth)) {
    return at_column(at, "a path has at most 64 steps");
  }
  return steps;
}

Error no_field(const std::string& field, std::size_t at) {
  static constexpr std::string_view known[] = {"result", "error"};
  if (field.empty()) return at_column(at, "of a node there are .result and .error: name one");
  return at_column(at, "of a node there are result and error, not \"" + printable(field) + '"' +
                           perhaps(field, known));
}

// How many of the steps name the root.
Result<std::size_t> read_root(const std::vector<Step>& steps, std::size_t at, PathRoot& root) {
  const std::string kind = steps.empty() ? "" : steps[0].key;
  if (kind == "input" || kind == "item" || kind == "params") {
    root.kind = kind == "input"  ? PathRoot::Kind::input
                : kind == "item" ? PathRoot::Kind::item
                                 : PathRoot::Kind::params;
    return std::size_t{1};
  }
  if (kind == "shared" && steps.size() > 1) {
    root = {.kind = PathRoot::Kind::shared, .name = steps[1].key};
    return std::size_t{2};
  }
  if (kind == "nodes" && steps.size() > 1) {
    const std::string field = steps.size() > 2 ? steps[2].key : "";
    if (field != "result" && field != "error") return no_field(field, at);
    root = {.kind = steps[2].key == "result" ? PathRoot::Kind::result : PathRoot::Kind::error,
            .name = steps[1].key};
    return std::size_t{3};
  }
  return at_column(at,
                   "a path begins with $.input, $.shared.KEY, $.nodes.NAME.result, "
                   "$.nodes.NAME.error, $.item or $.params");
}

json walk(json value, const std::vector<std::string>& steps, const std::vector<bool>& is_index) {
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (is_index[i]) {
      std::size_t index = 0;
      std::from_chars(steps[i].data(), steps[i].data() + steps[i].size(), index);
      if (!value.is_array() || index >= value.size()) return {};
      value = json(value[index]);
    } else {
      if (!value.is_object() || !value.contains(steps[i])) return {};
      value = json(value[steps[i]]);
    }
  }
  return value;
}

bool is_path(std::string_view text) { return text.starts_with("$."); }

// Replaces every string that is a path; `swap` says by what.
template <class Swap>
Result<void> replace_paths(json& value, const Swap& swap) {
  if (value.is_string()) {
    const std::string text = value.get<std::string>();
    if (text.starts_with("$$.")) {
      value = text.substr(1);
    } else if (is_path(text)) {
      return swap(value, text);
    }
    return {};
  }
  if (!value.is_structured()) return {};
  for (auto& part : value) {
    if (auto ok = replace_paths(part, swap); !ok) return ok;
  }
  return {};
}

}  // namespace

Result<Path> Path::parse_at(std::string_view text, std::size_t& at) {
  const std::size_t start = at;
  auto steps = read_steps(text, at);
  if (!steps) return std::move(steps).error();
  PathRoot root;
  const auto used = read_root(*steps, start, root);
  if (!used) return used.error();
  Path path;
  path.root_ = std::move(root);
  for (std::size_t i = *used; i < steps->size(); ++i) {
    path.steps_.push_back((*steps)[i].key);
    path.is_index_.push_back((*steps)[i].is_index);
  }
  return path;
}

Result<Path> Path::parse(std::string_view text) {
  std::size_t at = 0;
  auto path = parse_at(text, at);
  if (path && at < text.size()) {
    const std::size_t start = text.rfind('.', at) + 1;  // Of the name that goes on here.
    const std::size_t end = std::min(text.find_first_of(".[", at), text.size());
    const bool goes_on = text[at - 1] != ']';
    return at_column(at, "the path ends here" + (goes_on ? in_brackets(text, start, end) : ""));
  }
  return path;
}

std::string Path::evaluate(const RootValue& values) const {
  return walk(parse_or_null(values(root_)), steps_, is_index_).dump();
}

Result<Template> Template::parse(std::string_view text) {
  if (auto ok = check_json("with", text, max_payload_bytes); !ok) return std::move(ok).error();
  Template result;
  result.text_ = text;
  json value = json::parse(text);
  auto ok = replace_paths(value, [&](json&, const std::string& path) -> Result<void> {
    auto parsed = Path::parse(path);
    if (!parsed) return Error{Errc::invalid, path + ": " + parsed.error().message};
    return {};
  });
  if (!ok) return std::move(ok).error();
  return result;
}

std::vector<PathUse> Template::paths() const {
  std::vector<PathUse> uses;
  json value = json::parse(text_);
  (void)replace_paths(value, [&](json&, const std::string& path) -> Result<void> {
    uses.push_back({.root = Path::parse(path).value_or(Path{}).root(), .text = path});
    return {};
  });
  return uses;
}

std::string Template::evaluate(const RootValue& values) const {
  json value = json::parse(text_);
  (void)replace_paths(value, [&](json& place, const std::string& path) -> Result<void> {
    place = json::parse(Path::parse(path).value_or(Path{}).evaluate(values), nullptr, false);
    return {};
  });
  return value.dump();
}

}  // namespace penstock::rules
