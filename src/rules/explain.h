// SPDX-License-Identifier: MIT
//
// Why a job is where it is: every cause that keeps it from running, in words. Decided from what
// readers see of the job, its queue and the live workers.
#pragma once

#include <penstock/job.h>

#include <span>
#include <string>
#include <vector>

namespace penstock::rules {

struct Reason {
  /// paused, scheduled, pool, no_worker, no_handler, behind, expired
  std::string code;
  std::string text;
  std::string detail = {};
};

/// `queue` may be null. Empty for a job that runs or has succeeded.
std::vector<Reason> explain(const Job& job, const Queue* queue,
                            std::span<const WorkerRecord> workers, Time now);
std::string to_json(const Job& job, std::span<const Reason> reasons);

}  // namespace penstock::rules
