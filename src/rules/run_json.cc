// SPDX-License-Identifier: MIT
#include "rules/run_json.h"

#include "rules/json.h"
#include "rules/limits.h"

#include <nlohmann/json.hpp>

#include <deque>

namespace penstock::rules {
namespace {

constexpr std::size_t most_bytes = std::size_t{256} << 20;

Result<nlohmann::json> parse(std::string_view json) {
  if (auto ok = check_json("value", json, most_bytes); !ok) return std::move(ok).error();
  return nlohmann::json::parse(json);
}

}  // namespace

Result<std::map<std::string, std::string>> read_raw_object(std::string_view json) {
  auto parsed = parse(json);
  if (!parsed) return std::move(parsed).error();
  if (!parsed->is_object()) return Error{Errc::invalid, "it is no JSON object"};
  std::map<std::string, std::string> members;
  for (const auto& [key, value] : parsed->items()) members.emplace(key, value.dump());
  return members;
}

std::string write_raw_object(const std::map<std::string, std::string>& members) {
  JsonWriter out;
  out.begin_object();
  for (const auto& [key, value] : members) out.key(key).raw(value);
  return out.end_object().take();
}

Result<void> check_input_keys(std::string_view input) {
  // Most can have neither.
  if (input.size() <= max_key_bytes && input.find("\"\"") == std::string_view::npos) return {};
  const auto members = read_raw_object(input);
  if (!members) return {};
  for (const auto& [key, value] : *members) {
    if (!key.empty() && key.size() <= max_key_bytes) continue;
    return Error{Errc::invalid,
                 "keys of a run's input are in its shared store, where a key has 1 to " +
                     std::to_string(max_key_bytes) + " bytes, and one has " +
                     std::to_string(key.size())};
  }
  return {};
}

Result<std::vector<std::string>> read_raw_list(std::string_view json) {
  auto parsed = parse(json);
  if (!parsed) return std::move(parsed).error();
  if (!parsed->is_array()) return Error{Errc::invalid, "it is no JSON list"};
  std::vector<std::string> items;
  items.reserve(parsed->size());
  for (const auto& value : *parsed) items.push_back(value.dump());
  return items;
}

// No JSON begins so. Values of both kinds are appended to one list, and so they commute.
std::string to_the_front(std::string value) { return '<' + std::move(value); }

std::string append_raw(const std::optional<std::string>& before,
                       const std::vector<std::string>& values) {
  std::deque<std::string> items;
  if (before) {
    auto known = read_raw_list(*before);
    if (known) items.assign(known->begin(), known->end());
    if (!known) items.push_back(*before);
  }
  for (const std::string& value : values) {
    if (value.starts_with('<')) {
      items.push_front(value.substr(1));
    } else {
      items.push_back(value);
    }
  }
  std::string list = "[";
  for (const std::string& item : items) list += (list.size() > 1 ? "," : "") + item;
  return list + ']';
}

}  // namespace penstock::rules
