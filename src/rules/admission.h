// SPDX-License-Identifier: MIT
//
// Admitting a job: every check on what a submitter sent, and the job's first state. Behind this a
// job is known to be well-formed.
#pragma once

#include "rules/options.h"

namespace penstock::rules {

/// A checked job on its way into the store.
struct NewJob {
  std::string task = {}, queue = {}, pool = {}, payload = {};
  int priority = 5;
  std::string own_id = {}, unique_key = {}, idempotency_key = {}, fair_key = {};
  std::optional<Time> unique_until = {};  ///< The key is held at least until then.
  OwnOptions own = {};
  std::map<std::string, std::string> tags = {};
  JobState first = JobState::ready;
  std::optional<Time> due = {}, expires_at = {};
};

/// What bounds the tries of a job, or of a node. Errors: invalid.
Result<void> check_tries(std::optional<int> max_attempts, const std::optional<Backoff>& backoff);

/// Errors: invalid or too_large, naming the field, its value and what to write instead.
Result<NewJob> admit(const JobSpec& spec, Time now);

}  // namespace penstock::rules
