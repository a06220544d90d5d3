// SPDX-License-Identifier: MIT
#include "store/sqlite/lanes.h"

namespace penstock::sqlite {

void Lanes::refresh(Connection& connection) {
  const auto newest = rows_.empty() ? 0U : static_cast<std::uint32_t>(rows_.rbegin()->first);
  Statement& read = connection.statement("lanes.since").start(newest);
  while (read.row()) {
    LaneRow row{.lane = rules::Lane{static_cast<std::uint32_t>(read.integer(0))},
                .queue = std::string(read.text(1)),
                .pool = std::string(read.text(2)),
                .priority = static_cast<int>(read.integer(3))};
    by_name_[{row.queue, row.pool, row.priority}] = row.lane;
    rows_[row.lane] = std::move(row);
  }
}

Result<rules::Lane> Lanes::find_or_add(Connection& connection, const std::string& queue,
                                       const std::string& pool, int priority) {
  const std::tuple name{queue, pool, priority};
  if (const auto found = by_name_.find(name); found != by_name_.end()) return found->second;
  refresh(connection);
  if (const auto found = by_name_.find(name); found != by_name_.end()) return found->second;
  if (rows_.size() >= rules::max_lane) {
    return Error{Errc::limited, "queue " + queue +
                                    " would need one lane more than the 1048575 that "
                                    "a store can have: use fewer queues and pools"};
  }
  connection.statement("lanes.add").start(queue, pool, priority).run();
  refresh(connection);
  return by_name_[name];
}

const LaneRow* Lanes::find(Connection& connection, rules::Lane lane) {
  auto found = rows_.find(lane);
  if (found == rows_.end()) {
    refresh(connection);
    found = rows_.find(lane);
  }
  return found == rows_.end() ? nullptr : &found->second;
}

std::vector<const LaneRow*> Lanes::of_queue(std::string_view queue) const {
  std::vector<const LaneRow*> lanes;
  for (const auto& [lane, row] : rows_) {
    if (row.queue == queue) lanes.push_back(&row);
  }
  return lanes;
}

void Lanes::forget() {
  rows_.clear();
  by_name_.clear();
}

}  // namespace penstock::sqlite
