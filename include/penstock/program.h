// SPDX-License-Identifier: MIT
//
// Programs as tasks: any executable, in whatever language, run as safely as a handler.
//
//   penstock::Tasks tasks;
//   penstock::add_program(tasks, "solve", {.command = {"python3", "solve.py"}}).value();
//
// There is no shell. The payload is what the program reads, its result what it prints; its process
// group is killed when the job is over its time, cancelled, or its worker gone. docs/programs.md
// has both modes, the protocol and the limits.
#pragma once

#include <penstock/worker.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace penstock {

struct Program {
  enum class Mode : std::uint8_t {
    spawn,       ///< One process for each job: payload on stdin, result on stdout.
    persistent,  ///< A process that stays and takes one job after the other, a line of JSON each.
  };
  std::vector<std::string> command = {};  ///< The program, a path or a name in PATH; arguments.
  Mode mode = Mode::spawn;
  std::optional<std::int64_t> memory_bytes = {};  ///< Address space of each of its processes.
  std::optional<Duration> cpu = {};  ///< Processor time for one job, in whole seconds upwards.
  /// Where it runs, and what a relative path in `command` begins at; empty: the worker's own.
  std::string folder = {};
  /// Added to the worker's own environment, which is passed on without the variables that say where
  /// the store is: they may hold its password.
  std::map<std::string, std::string> environment = {};
  friend bool operator==(const Program&, const Program&) = default;
};

/// Registers a program under `name`, like Tasks::add. Persistent tasks whose Programs are equal
/// share their processes: each has at most one for a slot. Errors: invalid (an empty command, a
/// limit of nothing), not_found and denied (no such program, or not to be run).
Result<void> add_program(Tasks& tasks, std::string name, Program program,
                         TaskDefaults defaults = {});

/// Runs a program once, in the calling thread, as a part of a job: `input` on its stdin, its result
/// returned, stderr in the job's log, killed with the job. Throws NoRetry when it cannot be run
/// (no such program), and what a handler may throw otherwise. REQUIRES: mode is spawn.
std::string run_program(const Program& program, std::string_view input, JobContext& job);

}  // namespace penstock
