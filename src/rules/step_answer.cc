// SPDX-License-Identifier: MIT
#include "rules/step_answer.h"

#include "rules/json.h"
#include "rules/run_json.h"

namespace penstock::rules {
namespace {

Error unfit(std::string_view member, std::string_view needs, std::string_view is) {
  return Error{Errc::invalid, "its result's " + std::string(member) + " has to be " +
                                  std::string(needs) + ", and is " + std::string(is.substr(0, 80))};
}

bool is_number(std::string_view json) {
  return !json.empty() && (json.front() == '-' || (json.front() >= '0' && json.front() <= '9'));
}

Result<void> read_member(const std::string& name, const std::string& value, StepAnswer& answer) {
  const std::string member = "$shared." + name;
  if (name == "erase") {
    const auto keys = read_raw_list(value);
    if (!keys) return unfit(member, "a list of keys", value);
    for (const std::string& text : *keys) {
      auto key = read_string(text);
      if (!key) return unfit(member, "a list of keys", value);
      answer.erase.push_back(*std::move(key));
    }
    return {};
  }
  auto* const into = name == "set"       ? &answer.set
                     : name == "add"     ? &answer.add
                     : name == "append"  ? &answer.append
                     : name == "prepend" ? &answer.prepend
                                         : nullptr;
  if (into == nullptr) {
    return Error{
        Errc::invalid,
        "its result's $shared knows set, add, append, prepend and erase, not \"" + name + '"'};
  }
  auto members = read_raw_object(value);
  if (!members) return unfit(member, "an object", value);
  for (const auto& [key, number] : *members) {
    if (name == "add" && !is_number(number)) return unfit(member + '.' + key, "a number", number);
  }
  *into = *std::move(members);
  return {};
}

}  // namespace

Result<StepAnswer> read_step_answer(std::string_view result) {
  StepAnswer answer;
  // Most results have neither, and are large at times.
  const bool says = result.find("\"$action\"") != std::string_view::npos ||
                    result.find("\"$shared\"") != std::string_view::npos;
  if (!says || !result.starts_with('{')) return answer;
  auto object = read_raw_object(result);
  if (!object) return answer;
  if (const auto action = object->find("$action"); action != object->end()) {
    auto name = read_string(action->second);
    if (!name) return unfit("$action", "a text", action->second);
    answer.action = *std::move(name);
  }
  const auto shared = object->find("$shared");
  if (shared == object->end()) return answer;
  const auto members = read_raw_object(shared->second);
  if (!members) return unfit("$shared", "an object", shared->second);
  for (const auto& [name, value] : *members) {
    if (auto ok = read_member(name, value, answer); !ok) return std::move(ok).error();
  }
  return answer;
}

}  // namespace penstock::rules
