// SPDX-License-Identifier: MIT
#include "worker/pulse.h"

#include "rules/limits.h"

namespace penstock {

void Pulse::answered(const Own& asked_as, const Orders& orders, SteadyTime at,
                     std::vector<Watched> dead) {
  const std::lock_guard lock(mutex_);
  if (asked_as.session.number != own_.session.number) return;  // A session that is no more ours.
  if (orders.alive && !asked_as.vitals.tally.empty()) told_tally_ = asked_as.vitals.tally;
  heard_.alive = orders.alive;
  heard_.order = orders.order;
  heard_.cancels = orders.cancels;
  heard_.work_waiting = orders.work_waiting;
  heard_.last_contact = at;
  heard_.too_large = asked_as.too_large();
  // Of a session that is dead nothing may start any more.
  contact_ = orders.alive ? at.time_since_epoch().count() : 0;
  const bool quiet_meanwhile = !asked_as.in_call && !own_.in_call && asked_as.calls == own_.calls;
  mismatches_ = quiet_meanwhile && orders.held != asked_as.held ? mismatches_ + 1 : 0;
  constexpr int suspicious = 3;
  if (mismatches_ >= suspicious) heard_.ask_held = true;
  findings_.dead = std::move(dead);
  findings_.holds_lease = orders.upkeep == asked_as.session.number;
  findings_.next_due = orders.next_due;
  findings_.news = orders.news;
  findings_.oldest_ended = orders.oldest_ended;
  heard_.tends = findings_.holds_lease;
}

bool Pulse::found_due(std::optional<Time> next_due) {
  const std::lock_guard lock(mutex_);
  if (!findings_.holds_lease || !next_due) return false;
  if (findings_.next_due && *findings_.next_due <= *next_due) return false;
  findings_.next_due = next_due;
  return true;
}

bool Pulse::in_contact(SteadyTime now) const {
  const SteadyTime last{SteadyTime::duration{contact_.load()}};
  return now - last <= rules::contact_window;
}

}  // namespace penstock
