// SPDX-License-Identifier: MIT
#include "tests/store/run_model.h"

#include <algorithm>

namespace penstock::testing {

std::optional<std::string> RunModel::at(const std::string& run, const std::string& field) const {
  const auto found = runs_.find(run);
  if (found == runs_.end()) return std::nullopt;
  const auto value = found->second.fields.find(field);
  return value == found->second.fields.end() ? std::nullopt : std::optional(value->second);
}

std::vector<rules::RunConflict> RunModel::conflicts(
    std::span<const rules::RunChange> changes) const {
  std::vector<rules::RunConflict> all;
  for (const rules::RunChange& change : changes) {
    rules::RunConflict conflict{.run = change.run};
    for (const auto& [name, value] : change.expect) {
      if (at(change.run, name) != value) conflict.actual.push_back({name, at(change.run, name)});
    }
    for (const rules::RunAdd& add : change.add) {
      // Behind what it sets.
      auto known = at(change.run, add.name);
      for (const auto& [name, value] : change.set) {
        if (name == add.name) known = value;
      }
      if (!rules::sum_of(known, add)) conflict.actual.push_back({add.name, known});
    }
    if (!conflict.actual.empty()) all.push_back(std::move(conflict));
  }
  return all;
}

void RunModel::apply(const rules::RunChange& change) {
  OfRun& run = runs_[change.run];
  for (const auto& [name, value] : change.set) {
    run.lists.erase(name);
    run.fields.erase(name);
    if (value) run.fields[name] = *value;
  }
  for (const rules::RunAdd& add : change.add) {
    run.fields[add.name] = rules::sum_of(at(change.run, add.name), add).value();
  }
  for (const auto& [list, value] : change.append) run.lists[list].push_back(value);
  if (!change.mark) return;
  if (run.listed == 0) run.listed = ++marked_;
  run.keep_until = change.mark->keep_until;
}

std::string RunModel::describe(const std::string& run) const {
  std::string text;
  const auto found = runs_.find(run);
  if (found == runs_.end()) return text;
  for (const auto& [name, value] : found->second.fields) text += name + '=' + value + '\n';
  for (const auto& [name, values] : found->second.lists) {
    text += name + '+';
    for (const std::string& value : values) text += value + ' ';
    text += '\n';
  }
  return text;
}

std::vector<std::string> RunModel::listed() const {
  std::vector<std::pair<std::int64_t, std::string>> order;
  for (const auto& [name, run] : runs_) {
    if (run.listed > 0) order.emplace_back(-run.listed, name);
  }
  std::ranges::sort(order);
  std::vector<std::string> names;
  for (auto& [place, name] : order) names.push_back(std::move(name));
  return names;
}

int RunModel::prune(Time now) {
  return static_cast<int>(std::erase_if(runs_, [now](const auto& run) {
    return run.second.keep_until && *run.second.keep_until <= now;
  }));
}

}  // namespace penstock::testing
