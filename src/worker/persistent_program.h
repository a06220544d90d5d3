// SPDX-License-Identifier: MIT
//
// One process of a persistent program: it has said hello and takes one job after the other, each
// side a line of JSON at a time (rules/program_message.h). The slot that has a job for it talks to
// it in its own thread; between jobs nobody does.
#pragma once

#include "worker/error_lines.h"
#include "worker/program_run.h"

#include <memory>

namespace penstock {

/// Not thread-safe. A process that has died or broken the protocol is not used again.
class PersistentProgram {
 public:
  /// Starts a process and waits for its first line. Throws ProgramCrash when that does not come or
  /// makes no sense, and std::runtime_error when the job is told to stop meanwhile. Called from any
  /// thread: the process is started by one that lives for ever.
  static std::unique_ptr<PersistentProgram> start(const ProgramSource& source, JobContext& job);
  ~PersistentProgram();

  /// Whether it can take a job: it lives.
  [[nodiscard]] bool is_fit() const { return fit_ && !child_.has_ended(); }
  /// Runs one job; throws what a handler may throw, and ProgramCrash.
  std::string run(std::string_view payload, JobContext& job);
  /// Ends its input, which a program takes as the end of its work.
  void let_go() { input_.shut(); }
  /// Waits for its end until `until`.
  void wait_for_end(SteadyTime until) const;

 private:
  PersistentProgram(const ProgramSource& source, ProgramChild child, Descriptor input,
                    Descriptor reading_end);
  class Turn;

  const ProgramSource& source_;
  ProgramChild child_;
  Descriptor input_;
  // Our own hold on the end that the program reads from: so that writing to one that has died is an
  // ordinary refusal, and no signal.
  Descriptor reading_end_;
  StopBell bell_;
  ErrorLines errors_;
  std::vector<std::string> tasks_;  // As its first line names them.
  std::string unsent_, unread_;
  std::size_t looked_at_ = 0;  // So much of unread_ holds no line end.
  bool fit_ = true;
};

}  // namespace penstock
