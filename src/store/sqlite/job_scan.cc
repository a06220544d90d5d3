// SPDX-License-Identifier: MIT
#include "store/sqlite/job_scan.h"

#include "rules/job_state.h"
#include "rules/json.h"
#include "rules/limits.h"
#include "rules/name.h"

#include <charconv>
#include <limits>

namespace penstock::sqlite {

JobScan::JobScan(Connection& connection, const Lanes& lanes, const Filter& filter)
    : connection_(connection), filter_(filter) {
  std::uint64_t below = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  if (!filter.cursor.empty()) {
    std::from_chars(filter.cursor.data(), filter.cursor.data() + filter.cursor.size(), below);
  }
  for (const auto& [number, lane] : lanes.all()) {
    if (filter.queue.empty() || lane.queue == filter.queue) pull(number, below);
  }
}

Result<void> JobScan::check_cursor(std::string_view cursor) {
  std::int64_t below = 0;
  const char* const end = cursor.data() + cursor.size();
  const auto read = std::from_chars(cursor.data(), end, below);
  if (cursor.empty() || (read.ec == std::errc{} && read.ptr == end)) return {};
  return Error{Errc::invalid, "cursor \"" + rules::printable(cursor) +
                                  "\" is not one of ours: begin again without it"};
}

// The newest job of a lane below a sequence. One look-up a job: it goes down the primary key.
void JobScan::pull(rules::Lane lane, std::uint64_t below) {
  Statement& read =
      connection_.statement("read.below").start(static_cast<std::uint32_t>(lane), below);
  if (read.row()) {
    heads_.push({.key = {.lane = lane, .sequence = static_cast<std::uint64_t>(read.integer(0))},
                 .state = std::string(read.text(1)),
                 .task = std::string(read.text(2)),
                 .tags = std::string(read.text(3))});
  }
  read.end();
}

bool JobScan::next() {
  if (heads_.empty() || looked_at_ == rules::scan_jobs) return false;
  here_ = heads_.top();
  heads_.pop();
  ++looked_at_;
  pull(here_.key.lane, here_.key.sequence);
  return true;
}

bool JobScan::matches() const {
  if (filter_.state && rules::to_text(*filter_.state) != here_.state) return false;
  if (!filter_.task.empty() && filter_.task != here_.task) return false;
  if (!filter_.tag) return true;
  const auto tags = rules::read_string_map(here_.tags);
  if (!tags) return false;
  const auto found = tags->find(filter_.tag->first);
  return found != tags->end() && found->second == filter_.tag->second;
}

std::string JobScan::cursor() const {
  return heads_.empty() ? std::string() : std::to_string(here_.key.sequence);
}

}  // namespace penstock::sqlite
