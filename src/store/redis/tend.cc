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

Result<Step> RedisStore::prune(const PruneCall& call, Time now, const Budget& budget) {
  const auto append_prune = [&](JobState state, const Keep* keep) {
    ScriptArguments arguments;
    arguments.add(now);
    arguments.add(rules::to_text(state));
    arguments.add(keep ? std::optional(keep->count) : std::nullopt);
    arguments.add(keep ? std::optional(keep->bytes) : std::nullopt);
    arguments.add(keep ? std::optional<Time>() : now - call.older_than);
    arguments.add(std::min(budget.jobs, rules::step_jobs));
    append(scripts::prune, arguments);
  };
  std::size_t prunes = 1;
  if (call.state) {
    append_prune(*call.state, nullptr);
  } else {
    if (auto read = read_lanes(); !read) return std::move(read).error();
    append_prune(JobState::succeeded, &call.retention.succeeded);
    append_prune(JobState::failed, &call.retention.failed);
    append_prune(JobState::cancelled, &call.retention.succeeded);
    prunes = 3;
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
    append(scripts::tidy, arguments);
  }
  auto replies = exchange();
  if (!replies) return std::move(replies).error();
  Step step;
  for (const Reply& reply : replies->first(prunes)) {
    if (answer_of(reply) < 0) return Error{Errc::internal, "prune refused its arguments"};
    step.done += reply[1].integer();
    step.more = step.more || reply[2].integer() != 0;
  }
  return step;
}

}  // namespace penstock::redis
