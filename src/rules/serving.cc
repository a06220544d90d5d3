// SPDX-License-Identifier: MIT
#include "rules/serving.h"

#include "rules/advance.h"
#include "rules/transition.h"

#include <algorithm>

namespace penstock::rules {
namespace {

bool has(const std::vector<std::string>& names, std::string_view name) {
  return std::ranges::find(names, name) != names.end();
}

}  // namespace

bool serves_queue(const WorkerRecord& worker, const Wanted& job) {
  return has(worker.queues, job.queue);
}

bool serves_pool(const WorkerRecord& worker, const Wanted& job) {
  return job.pool.empty() ? worker.pools.empty() : has(worker.pools, job.pool);
}

bool offers_task(const WorkerRecord& worker, const Wanted& job) {
  return job.task == step_task || has(worker.tasks, job.task);
}

bool is_served(std::span<const WorkerRecord> workers, const Wanted& job) {
  return std::ranges::any_of(workers, [&](const WorkerRecord& worker) {
    return serves_queue(worker, job) && serves_pool(worker, job) && offers_task(worker, job);
  });
}

bool is_stranded(std::span<const WorkerRecord> workers, const Job& job) {
  const bool put_back = job.state == JobState::scheduled && job.error == nobody_offers;
  if (job.state != JobState::ready && !put_back) return false;
  return !is_served(workers, {.queue = job.queue, .pool = job.pool, .task = job.task});
}

}  // namespace penstock::rules
