// SPDX-License-Identifier: MIT
//
// The processes of one program in this process: who has a job for it gets one. Spawned ones live
// for one job. Persistent ones are started when none is idle, so there are never more than jobs run
// at the same time, and kept; after crashes a new one is started only after a pause that grows, so
// that a program that cannot work costs little.
#pragma once

#include "worker/persistent_program.h"

#include <memory>
#include <mutex>
#include <vector>

namespace penstock {

/// Thread-safe. Held by the handlers of its tasks and by Tasks, which outlive every job.
class Programs {
 public:
  explicit Programs(ProgramSource source) : source_(std::move(source)) {}

  [[nodiscard]] const Program& program() const { return source_.program; }
  /// Runs one job, in the calling thread. Throws what a handler may throw, and ProgramCrash.
  std::string run(std::string_view payload, JobContext& job);
  /// Ends the processes that are idle: first their input, a second later whoever is still there.
  void end();
  /// How many processes are idle.
  [[nodiscard]] std::size_t idle() const;

 private:
  using Process = std::unique_ptr<PersistentProgram>;

  Process take(JobContext& job);
  Process idle_one();
  void wait_for_turn(JobContext& job);
  void note_crash();
  void note_success();

  const ProgramSource source_;
  mutable std::mutex mutex_;  // Guards all below.
  std::vector<Process> idle_;
  Duration pause_{0};        // Between the last crash and the next start.
  SteadyTime not_before_{};  // When the next process may be started.
  int put_off_ = 0;          // Jobs, since the last one that went well.
};

}  // namespace penstock
