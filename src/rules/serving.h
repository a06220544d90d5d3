// SPDX-License-Identifier: MIT
//
// Which jobs a live worker takes. One rule for all who ask: a worker that puts a job back, a client
// that submits one, doctor, and who explains why a job waits.
#pragma once

#include <penstock/job.h>

#include <span>
#include <string_view>

namespace penstock::rules {

/// What decides who takes a job.
struct Wanted {
  std::string_view queue, pool, task;
};

bool serves_queue(const WorkerRecord& worker, const Wanted& job);
/// A job without a pool is for workers without pools.
bool serves_pool(const WorkerRecord& worker, const Wanted& job);
/// The engine's own steps are every worker's.
bool offers_task(const WorkerRecord& worker, const Wanted& job);
/// One of them has all three.
bool is_served(std::span<const WorkerRecord> workers, const Wanted& job);

/// It would wait for ever: it is ready, or was put back, and nobody takes it. What is scheduled for
/// later has time to find a worker.
bool is_stranded(std::span<const WorkerRecord> workers, const Job& job);

}  // namespace penstock::rules
