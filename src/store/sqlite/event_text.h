// SPDX-License-Identifier: MIT
//
// The text of an event entry: one line an event, fields separated by tabs. Job ids are stored as
// lane.sequence and made when they are read: the MAC of an id costs more than the row.
//
//   j  lane.sequence  from  to  attempt  task  worker  message      a move; from is "-" on submit
//   r  lane.sequence  message                                       removed
//   p  lane.sequence  share  message                                progress
//   l  lane.sequence  number  text                                  a log line
//   q  queue  message                                               paused, resumed, draining,
//   pruned w  worker  message                                              opened, closed, lost,
//   ...
#pragma once

#include "rules/id.h"
#include "store/sqlite/lanes.h"

#include <penstock/event.h>

#include <optional>
#include <string>
#include <string_view>

namespace penstock::sqlite {

struct JobEvent {
  rules::JobKey key = {};
  std::optional<JobState> from;
  JobState to;
  int attempt;
  std::string_view task = {}, worker = {}, message = {};
};

void append_job_event(std::string& body, const JobEvent& event);
/// Tabs, line ends and backslashes of user text, escaped.
std::string escape_field(std::string_view text);
std::string key_text(const rules::JobKey& key);

/// The event of one line; nothing when the line is of a kind this program does not know.
std::optional<Event> read_event(std::string_view line, const rules::IdMint& mint, Lanes& lanes,
                                Connection& connection);

}  // namespace penstock::sqlite
