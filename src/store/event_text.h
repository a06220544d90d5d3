// SPDX-License-Identifier: MIT
//
// The text of an event entry: one line an event, fields separated by tabs. Job ids are stored as
// lane.sequence and made when they are read, because the MAC of an id costs more than the row;
// behind it stands "=own-id" when its submitter named the job.
//
//   j  job  from  to  attempt  task  worker  message   a move; from is "-" on submit
//   r  job  message                                    removed
//   p  job  share  message                             progress
//   l  job  number  text                               a log line
//   q  queue  message                                  paused, resumed, draining, pruned ...
//   f  run  state                                      a run began or ended
//   w  worker  message                                 opened, closed, lost ...
#pragma once

#include "rules/id.h"

#include <penstock/event.h>

#include <optional>
#include <string>
#include <string_view>

namespace penstock {

struct JobEvent {
  rules::JobKey key = {};
  std::string_view own_id = {};
  std::optional<JobState> from = {};
  JobState to = JobState::ready;
  int attempt = 0;
  std::string_view task = {}, worker = {}, message = {};
};

void append_job_event(std::string& body, const JobEvent& event);
/// Tabs, line ends and backslashes of user text, escaped.
std::string escape_field(std::string_view text);
std::string key_text(const rules::JobKey& key);
/// The field that names a job.
std::string job_text(const rules::JobKey& key, std::string_view own_id);

/// Tells the queue of a lane; empty when it is not known.
using QueueOf = std::function<std::string(rules::Lane)>;

/// The event of one line; nothing when the line is of a kind this program does not know.
std::optional<Event> read_event(std::string_view line, const rules::IdMint& mint,
                                const QueueOf& queue_of);

}  // namespace penstock
