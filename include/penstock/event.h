// SPDX-License-Identifier: MIT
//
// What happened, in order. Every change of a job's state appends one event in the same atomic step;
// progress and log lines append theirs. Live pages, metrics and waiting clients stand on this
// stream.
#pragma once

#include <penstock/job.h>

namespace penstock {

/// One entry of the event stream.
struct Event {
  enum class Type : std::uint8_t { job, run, node, gate, queue, worker, progress, log };
  Type type = Type::job;
  std::string id = {};  ///< Position in the stream; a reader resumes after it.
  Time at{};
  JobId job = {};
  std::string run = {};
  std::string queue = {}, task = {};
  std::optional<JobState> from = {}, to = {};
  int attempt = 0;
  std::string worker = {};
  std::string message = {};
};

}  // namespace penstock
