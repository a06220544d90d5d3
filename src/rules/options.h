// SPDX-License-Identifier: MIT
//
// What a job, its task and the defaults say about retries, time-outs and retention, and which of
// them wins: the job's own option, else the task's, else the default.
#pragma once

#include <penstock/worker.h>

#include <optional>
#include <string>
#include <string_view>

namespace penstock::rules {

/// The options that a submitter set; what was not set is not stored.
struct OwnOptions {
  std::optional<int> max_attempts = {};
  std::optional<Backoff> backoff = {};
  std::optional<Duration> retry_for = {}, timeout = {}, result_ttl = {};
  bool keep_full = false;
  std::string node = {};  ///< Of a flow's run: rules::NodeTicket. Only a step of the run ends it.
  friend bool operator==(const OwnOptions&, const OwnOptions&) = default;
};

/// JSON text of what is set; empty text when nothing is. Errors of reading: invalid.
std::string write_options(const OwnOptions& own);
Result<OwnOptions> read_options(std::string_view text);

/// Whether stored options are of a job of a run: only a step of the run may end it.
inline bool is_of_run(std::string_view options) {
  return options.find(R"("node":)") != std::string_view::npos;
}

/// The run that such options name; empty: none.
std::string_view run_of(std::string_view options);

/// What holds for one attempt.
struct Policy {
  int max_attempts = 3;
  Backoff backoff = {};
  std::optional<Duration> retry_for = {}, timeout = {};
  Duration keep_succeeded{3'600'000};
  Duration keep_failed{30LL * 86'400'000};
  bool keep_full = false;
};

Policy effective(const OwnOptions& own, const TaskDefaults& task, const Retention& retention);

}  // namespace penstock::rules
