// SPDX-License-Identifier: MIT
#include "worker/run_desk.h"

#include <penstock/log.h>

namespace penstock {
namespace {

constexpr std::size_t most_runs = 2000, most_fields = 20'000;

}  // namespace

std::vector<rules::RunChange> RunDesk::decide(const rules::NodeTicket& ticket,
                                              const rules::NodeReport& report, Time now) {
  auto pinned = reader_.graph(ticket.definition);
  if (!pinned) {
    log(LogLevel::error, "run " + ticket.run + " cannot go on: " + pinned.error().message);
    return {};
  }
  if (facts_.size() > most_runs) facts_.clear();
  auto& own = facts_[ticket.run];
  if (own.size() > most_fields) own = {};
  rules::RunEdit edit(ticket.run, own);
  std::map<std::string, rules::RunEdit> others;
  const rules::EditOf edit_of = [&](const std::string& run) -> rules::RunEdit& {
    return others.try_emplace(run, run, facts_[run]).first->second;
  };
  rules::end_node(*pinned, report, {.now = now, .keep = keep_}, edit, edit_of);
  std::vector<rules::RunChange> changes;
  changes.push_back(edit.take());
  for (auto& [run, other] : others) changes.push_back(other.take());
  for (const rules::RunChange& change : changes) facts_[change.run].assume(change);
  return changes;
}

void RunDesk::take_back(const std::vector<rules::RunChange>& changes) {
  for (const rules::RunChange& change : changes) facts_[change.run].take_back(change);
}

void RunDesk::learn(const std::vector<rules::RunConflict>& conflicts) {
  for (const rules::RunConflict& conflict : conflicts) facts_[conflict.run].learn(conflict);
}

}  // namespace penstock
