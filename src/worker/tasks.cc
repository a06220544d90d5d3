// SPDX-License-Identifier: MIT
#include <penstock/worker.h>

#include <algorithm>

namespace penstock {

void Tasks::add_raw(std::string name, RawHandler handler, TaskDefaults defaults) {
  const auto known = std::ranges::find(tasks_, name, &Task::name);
  if (known != tasks_.end()) tasks_.erase(known);
  tasks_.push_back({std::move(name), std::move(handler), std::move(defaults)});
}

const Tasks::Task* Tasks::find(std::string_view name) const {
  const auto known = std::ranges::find(tasks_, name, &Task::name);
  return known == tasks_.end() ? nullptr : &*known;
}

}  // namespace penstock
