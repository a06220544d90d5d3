// SPDX-License-Identifier: MIT
#include <penstock/worker.h>

#include <algorithm>

namespace penstock {

void Tasks::add_raw(std::string name, RawHandler handler, TaskDefaults defaults) {
  put({.name = std::move(name), .run = std::move(handler), .defaults = std::move(defaults)});
}

void Tasks::add_async(std::string name, AsyncHandler handler, TaskDefaults defaults) {
  put({.name = std::move(name), .defaults = std::move(defaults), .start = std::move(handler)});
}

void Tasks::put(Task task) {
  const auto known = std::ranges::find(tasks_, task.name, &Task::name);
  if (known != tasks_.end()) tasks_.erase(known);
  tasks_.push_back(std::move(task));
}

void Tasks::fill_up(std::string_view name, const TaskDefaults& defaults) {
  const auto known = std::ranges::find(tasks_, name, &Task::name);
  if (known == tasks_.end()) return;
  const auto fill = [](auto& own, const auto& other) {
    if (!own) own = other;
  };
  fill(known->defaults.max_attempts, defaults.max_attempts);
  fill(known->defaults.backoff, defaults.backoff);
  fill(known->defaults.timeout, defaults.timeout);
  fill(known->defaults.retry_for, defaults.retry_for);
  fill(known->defaults.result_ttl, defaults.result_ttl);
}

const Tasks::Task* Tasks::find(std::string_view name) const {
  const auto known = std::ranges::find(tasks_, name, &Task::name);
  return known == tasks_.end() ? nullptr : &*known;
}

}  // namespace penstock
