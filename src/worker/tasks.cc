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

const Tasks::Task* Tasks::find(std::string_view name) const {
  const auto known = std::ranges::find(tasks_, name, &Task::name);
  return known == tasks_.end() ? nullptr : &*known;
}

}  // namespace penstock
