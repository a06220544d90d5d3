// SPDX-License-Identifier: MIT
//
// What running a job in a program has in common, whichever way the program is run: how it ends
// badly, and how it is made to stop in time.
#pragma once

#include "worker/program_child.h"

#include <penstock/worker.h>

#include <poll.h>

namespace penstock {

/// It wants to be tried again later, and this was no attempt.
struct ProgramLater : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Thrown where a persistent program died or broke its protocol: the job's crash, not the worker's.
struct ProgramCrash : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Where a program's processes come from.
struct ProgramSource {
  Program program = {};
  std::string path = {};                       ///< The file of its first word.
  std::vector<std::string> environment = {};   ///< Of every job.
  [[nodiscard]] std::string describe() const;  ///< Its command, for an error.
};

/// When a job is over its time, as a program's clock has it.
std::optional<Time> calendar_deadline(const JobContext& job);

/// Makes a program stop, harder from step to step: asks it, if it can be asked; SIGTERM; SIGKILL.
/// Begins with the job's stop token, or by itself when the job is well over its time: a pump that
/// hangs must not let a program run for ever.
class Urging {
 public:
  /// `ask` may be empty.
  Urging(const ProgramChild& child, const JobContext& job, std::function<void()> ask);

  [[nodiscard]] bool has_begun() const { return urge_ != Urge::none; }
  /// Takes the steps that are due.
  void step(SteadyTime now);
  /// For poll(): milliseconds until the next step is due, at most `longest`; -1 for never.
  [[nodiscard]] int wait_ms(SteadyTime now, std::optional<SteadyTime> longest = {}) const;
  /// The error of a job that ended because it was told to.
  [[nodiscard]] std::string error() const;

 private:
  enum class Urge : std::uint8_t { none, asked, terminated, killed };
  [[nodiscard]] std::optional<SteadyTime> next() const;

  const ProgramChild& child_;
  const std::stop_token stop_;
  const std::optional<SteadyTime> overdue_;
  const std::function<void()> ask_;
  Urge urge_ = Urge::none;
  bool was_overdue_ = false;
  SteadyTime next_{};
};

/// Runs one job in a process of its own. Throws what a handler may throw.
std::string run_spawned(const ProgramSource& source, std::string_view payload, JobContext& job);

}  // namespace penstock
