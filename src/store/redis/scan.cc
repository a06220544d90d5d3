// SPDX-License-Identifier: MIT
//
// Walks the jobs that a filter may mean. A lane is walked by its cells, newest first; a list merges
// the lanes by the time of submission. At most 1,000 cells are looked at in a call. The cursor says
// for every lane that has more where to go on: "lane:below,lane:below".
#include "rules/limits.h"
#include "rules/name.h"
#include "store/redis/job_letter.h"
#include "store/redis/redis_store.h"
#include "store/redis/scripts.gen.h"

#include <algorithm>

namespace penstock::redis {

// One lane of a walk: what was found, and where to go on.
struct RedisStore::LaneScan {
  rules::Lane lane{};
  std::uint64_t from = 0;  // Below this; 0: from the newest.
  std::uint64_t next = 0;  // Below this when all of `found` is used up; 0: nothing more.
  std::vector<rules::JobKey> found = {};
};

namespace {

using Starts = std::vector<std::pair<rules::Lane, std::uint64_t>>;

Result<Starts> read_cursor(std::string_view cursor) {
  const std::string_view whole = cursor;
  Starts starts;
  while (!cursor.empty()) {
    std::string_view part = take_until(cursor, ',');
    const std::string_view lane = take_until(part, ':');
    const auto is_number = [](std::string_view text) {
      return !text.empty() && text.size() < 16 &&
             std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
    };
    if (!is_number(lane) || !is_number(part)) {
      return Error{Errc::invalid, "cursor \"" + rules::printable(whole) +
                                      "\" is not one of ours: begin again without it"};
    }
    starts.emplace_back(rules::Lane{read_number<std::uint32_t>(lane)},
                        read_number<std::uint64_t>(part));
  }
  return starts;
}

void add_to_cursor(std::string& cursor, rules::Lane lane, std::uint64_t below) {
  if (!cursor.empty()) cursor += ',';
  cursor += std::to_string(static_cast<std::uint32_t>(lane)) + ':' + std::to_string(below);
}

bool matches(const Job& job, const Filter& filter) {
  if (filter.state && *filter.state != job.state) return false;  // It has moved meanwhile.
  if (!filter.task.empty() && filter.task != job.task) return false;
  if (!filter.tag) return true;
  const auto found = job.tags.find(filter.tag->first);
  return found != job.tags.end() && found->second == filter.tag->second;
}

}  // namespace

Result<std::vector<RedisStore::LaneScan>> RedisStore::scan_lanes(const Filter& filter,
                                                                 std::size_t most_jobs) {
  auto starts = read_cursor(filter.cursor);
  if (!starts) return std::move(starts).error();
  if (auto read = read_lanes(); !read) return std::move(read).error();
  if (filter.cursor.empty()) {
    for (const auto& [number, row] : lanes_) starts->emplace_back(number, 0);
  }
  std::vector<LaneScan> scans;
  for (const auto& [number, below] : *starts) {
    const auto row = lanes_.find(number);
    if (row == lanes_.end()) continue;
    if (!filter.queue.empty() && row->second.queue != filter.queue) continue;
    scans.push_back({.lane = number, .from = below});
  }
  if (scans.empty()) return scans;
  const std::string letters = letters_of(filter.state);
  const std::size_t cells = std::max<std::size_t>(rules::scan_jobs / scans.size(), 1);
  for (const LaneScan& scan : scans) {
    ScriptArguments arguments;
    arguments.add(static_cast<std::uint32_t>(scan.lane));
    arguments.add(scan.from);
    arguments.add(cells);
    arguments.add(letters);
    arguments.add(most_jobs);
    append(scripts::scan, arguments);
  }
  auto replies = exchange();
  if (!replies) return std::move(replies).error();
  for (std::size_t i = 0; i < scans.size(); ++i) {
    const Reply& reply = (*replies)[i];
    scans[i].next = static_cast<std::uint64_t>(reply[0].integer());
    for (const Reply& sequence : reply[1].items()) {
      scans[i].found.push_back(
          {.lane = scans[i].lane, .sequence = static_cast<std::uint64_t>(sequence.integer())});
    }
  }
  return scans;
}

Result<std::vector<rules::JobKey>> RedisStore::select(const Filter& filter,
                                                      std::string& next_cursor) {
  auto scans = scan_lanes(filter, rules::step_jobs);
  if (!scans) return std::move(scans).error();
  std::vector<rules::JobKey> keys;
  const bool needs_reading = !filter.task.empty() || filter.tag.has_value();
  for (LaneScan& scan : *scans) {
    const std::size_t room = rules::step_jobs - keys.size();
    if (scan.found.size() > room) {
      scan.next = room == 0 ? scan.from : scan.found[room - 1].sequence;
      scan.found.resize(room);
      add_to_cursor(next_cursor, scan.lane, scan.next);
    } else if (scan.next != 0) {
      add_to_cursor(next_cursor, scan.lane, scan.next);
    }
    if (!needs_reading) {
      keys.insert(keys.end(), scan.found.begin(), scan.found.end());
      continue;
    }
    auto jobs = read_jobs(scan.found);
    if (!jobs) return std::move(jobs).error();
    for (std::size_t i = 0; i < scan.found.size(); ++i) {
      if ((*jobs)[i].job && matches(*(*jobs)[i].job, filter)) keys.push_back(scan.found[i]);
    }
  }
  return keys;
}

Result<Page<Job>> RedisStore::list_jobs(const Filter& filter) {
  const auto limit = static_cast<std::size_t>(std::clamp(filter.limit, 1, 1000));
  const bool needs_reading = !filter.task.empty() || filter.tag.has_value();
  auto scans = scan_lanes(filter, needs_reading ? rules::scan_jobs : limit);
  if (!scans) return std::move(scans).error();
  std::vector<rules::JobKey> keys;
  for (const LaneScan& scan : *scans) {
    keys.insert(keys.end(), scan.found.begin(), scan.found.end());
  }
  auto jobs = read_jobs(keys);
  if (!jobs) return std::move(jobs).error();
  // The next one of each lane; the newest of them is the next of the page. When a lane is used up
  // and has more, what it has next could be newer than what the others have: the page ends.
  struct Turn {
    LaneScan* scan;
    std::size_t at, end;
  };
  std::vector<Turn> turns;
  std::size_t at = 0;
  for (LaneScan& scan : *scans) {
    turns.push_back({&scan, at, at + scan.found.size()});
    at += scan.found.size();
  }
  Page<Job> page;
  const auto skip_others = [&](Turn& turn) {
    while (turn.at < turn.end &&
           !((*jobs)[turn.at].job && matches(*(*jobs)[turn.at].job, filter))) {
      turn.scan->from = keys[turn.at++].sequence;
    }
  };
  while (page.items.size() < limit) {
    Turn* newest = nullptr;
    bool is_open = false;
    for (Turn& turn : turns) {
      skip_others(turn);
      if (turn.at == turn.end) {
        is_open = is_open || turn.scan->next != 0;
      } else if (!newest ||
                 (*jobs)[turn.at].job->created_at > (*jobs)[newest->at].job->created_at) {
        newest = &turn;
      }
    }
    if (!newest || is_open) break;
    newest->scan->from = keys[newest->at].sequence;
    page.items.push_back(*std::move((*jobs)[newest->at++].job));
  }
  for (const Turn& turn : turns) {
    const std::uint64_t below = turn.at == turn.end ? turn.scan->next : turn.scan->from;
    if (turn.at < turn.end || below != 0) add_to_cursor(page.next_cursor, turn.scan->lane, below);
  }
  return page;
}

}  // namespace penstock::redis
