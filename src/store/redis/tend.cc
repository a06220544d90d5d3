// SPDX-License-Identifier: MIT
//
// prune: takes away what is old, a bounded step at a time; all of a step in one write.
#include "rules/duration.h"
#include "rules/job_state.h"
#include "rules/limits.h"
#include "store/redis/redis_store.h"
#include "store/redis/scripts.gen.h"

#include <algorithm>

namespace penstock::redis {
namespace {

constexpr Duration event_age{24LL * 3'600'000};
constexpr std::int64_t most_events = 200'000;           // Entries.
constexpr std::int64_t most_event_bytes = 64LL << 20U;  // Of the server's memory.
constexpr int most_trimmed = 2000;                      // Entries in one step.
constexpr std::size_t lanes_in_a_step = 100;

}  // namespace

// Takes what of one state is to go, within `left`. A keep of null: what ended before a time.
Result<void> RedisStore::prune_state(JobState state, const Keep* keep, Time before, Time now,
                                     std::size_t& left, Step& into) {
  if (left == 0) return {};
  ScriptArguments arguments;
  arguments.add(now);
  arguments.add(rules::to_text(state));
  arguments.add(keep ? std::optional(keep->count) : std::nullopt);
  arguments.add(keep ? std::optional(keep->bytes) : std::nullopt);
  arguments.add(keep ? std::optional<Time>() : before);
  arguments.add(left);
  auto reply = run(scripts::prune, arguments);
  if (!reply) return std::move(reply).error();
  if (answer_of(*reply) < 0) return Error{Errc::internal, "prune refused its arguments"};
  into.done += (*reply)[1].integer();
  into.more = into.more || (*reply)[2].integer() != 0;
  left -= std::min(left, static_cast<std::size_t>((*reply)[1].integer()));
  return {};
}

Result<Step> RedisStore::prune(const PruneCall& call, Time now, const Budget& budget) {
  Step step;
  std::size_t left = std::min(budget.jobs, rules::step_jobs);
  if (call.state) {
    auto done = prune_state(*call.state, nullptr, now - call.older_than, now, left, step);
    if (!done) return std::move(done).error();
    return step;
  }
  for (const JobState state : {JobState::succeeded, JobState::failed, JobState::cancelled}) {
    const Keep& keep = state == JobState::failed ? call.retention.failed : call.retention.succeeded;
    if (auto done = prune_state(state, &keep, {}, now, left, step); !done) {
      return std::move(done).error();
    }
  }
  if (auto gone = forget_runs(now); !gone) return std::move(gone).error();
  if (auto tidied = tidy(now); !tidied) return std::move(tidied).error();
  return step;
}

Result<void> RedisStore::tidy(Time now) {
  if (auto read = read_lanes(); !read) return read;
  ScriptArguments arguments;
  arguments.add(now);
  arguments.add(now - event_age);
  arguments.add(most_events);
  arguments.add(most_event_bytes);
  arguments.add(most_trimmed);
  // A namespace with more lanes has its turn with them, the next ones with the next step.
  auto lane = lanes_.upper_bound(last_tidied_);
  for (std::size_t i = 0; i < std::min(lanes_.size(), lanes_in_a_step); ++i) {
    if (lane == lanes_.end()) lane = lanes_.begin();
    last_tidied_ = lane->first;
    arguments.add(static_cast<std::uint32_t>(lane->first));
    ++lane;
  }
  auto reply = run(scripts::tidy, arguments);
  if (!reply) return std::move(reply).error();
  return {};
}

}  // namespace penstock::redis
