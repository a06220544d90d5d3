// SPDX-License-Identifier: MIT
#include "upkeep/rescuer.h"

#include "rules/limits.h"

namespace penstock {

std::vector<Watched> Rescuer::observe(std::span<const Watched> beats, SteadyTime asked,
                                      SteadyTime answered) {
  const bool prompt = answered - asked <= rules::watch_prompt;
  const bool in_time = answered - last_answer_ <= rules::watch_gap;
  last_answer_ = answered;
  if (!prompt || !in_time) watches_.clear();
  std::vector<Watched> dead;
  std::map<SessionNumber, Watch> next;
  for (const Watched& seen : beats) {
    if (seen.retired) {
      dead.push_back(seen);
      continue;
    }
    Watch watch{.beat = seen.beat, .answers = 1, .since = answered};
    const auto before = watches_.find(seen.session);
    if (prompt && before != watches_.end() && before->second.beat == seen.beat) {
      watch = before->second;
      ++watch.answers;
    }
    if (watch.answers >= rules::watch_answers && answered - watch.since >= rules::watch_span) {
      dead.push_back(seen);
    }
    next.emplace(seen.session, watch);
  }
  watches_ = std::move(next);
  return dead;
}

Result<std::int64_t> rescue_all(Store& store, const Watched& dead, const Death& death) {
  std::int64_t total = 0;
  while (true) {
    auto step = store.rescue(dead.session, dead.beat, death, store.clock().now(), {});
    if (!step) return std::move(step).error();
    total += step->done;
    if (!step->more) return total;
  }
}

}  // namespace penstock
