// SPDX-License-Identifier: MIT
#include "rules/explain.h"

#include "rules/duration.h"
#include "rules/job_state.h"
#include "rules/json.h"
#include "rules/serving.h"

#include <algorithm>

namespace penstock::rules {
namespace {

// Who lacks to take it; whether one that could has a slot free.
bool explain_workers(const Job& job, std::span<const WorkerRecord> workers,
                     std::vector<Reason>& reasons) {
  const Wanted wanted{.queue = job.queue, .pool = job.pool, .task = job.task};
  bool queue_served = false, pool_served = false, task_served = false, slot_free = false;
  for (const WorkerRecord& worker : workers) {
    if (!serves_queue(worker, wanted)) continue;
    queue_served = true;
    if (!serves_pool(worker, wanted)) continue;
    pool_served = true;
    if (!offers_task(worker, wanted)) continue;
    task_served = true;
    slot_free = slot_free || worker.running < worker.concurrency;
  }
  if (!queue_served) {
    reasons.push_back({"no_worker", "no live worker serves queue " + job.queue});
  } else if (!pool_served) {
    reasons.push_back(
        {"pool", job.pool.empty()
                     ? "the workers of queue " + job.queue + " serve pools only"
                     : "no live worker of queue " + job.queue + " serves pool " + job.pool});
  } else if (!task_served) {
    reasons.push_back({"no_handler", "no live worker of queue " + job.queue + " offers task \"" +
                                         job.task + "\""});
  }
  return slot_free || !task_served;
}

void explain_ready(const Job& job, const Queue* queue, std::span<const WorkerRecord> workers,
                   std::vector<Reason>& reasons) {
  if (queue && queue->paused) {
    reasons.push_back({"paused", "queue " + job.queue + " is paused: resume it to go on"});
  }
  const std::size_t before = reasons.size();
  const bool slot_free = explain_workers(job, workers, reasons);
  if (reasons.size() > before) return;
  if (!slot_free || (queue && queue->ready > 1)) {
    reasons.push_back({"behind", "other jobs come first",
                       queue ? std::to_string(queue->ready) + " ready in queue " + job.queue : ""});
  }
}

}  // namespace

std::vector<Reason> explain(const Job& job, const Queue* queue,
                            std::span<const WorkerRecord> workers, Time now) {
  std::vector<Reason> reasons;
  if (!is_terminal(job.state) && job.expires_at && *job.expires_at <= now) {
    reasons.push_back({"expired", "it has expired and will be cancelled"});
  }
  if (job.state == JobState::scheduled && job.scheduled_at) {
    const Duration left = std::max(*job.scheduled_at - now, Duration{0});
    reasons.push_back({std::string(to_text(JobState::scheduled)),
                       (job.attempt > 0 ? "it failed and is tried again in " : "it starts in ") +
                           format_duration(left),
                       job.error});
    explain_workers(job, workers, reasons);
  }
  if (job.state == JobState::ready) explain_ready(job, queue, workers, reasons);
  return reasons;
}

std::string to_json(const Job& job, std::span<const Reason> reasons) {
  JsonWriter out;
  out.begin_object().key("id").text(job.id.text).key("state").text(to_text(job.state));
  out.key("reasons").begin_array();
  for (const Reason& reason : reasons) {
    out.begin_object().key("code").text(reason.code).key("text").text(reason.text).key("detail");
    if (reason.detail.empty()) {
      out.null();
    } else {
      out.text(reason.detail);
    }
    out.end_object();
  }
  return out.end_array().end_object().take();
}

}  // namespace penstock::rules
