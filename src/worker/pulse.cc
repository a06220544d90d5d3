// SPDX-License-Identifier: MIT
#include "worker/pulse.h"

namespace penstock {

void Pulse::answered(const Own& asked_as, const Orders& orders, SteadyTime at,
                     std::vector<Watched> dead) {
  const std::lock_guard lock(mutex_);
  if (asked_as.session.number != own_.session.number) return;  // A session that is no more ours.
  heard_.alive = orders.alive;
  heard_.order = orders.order;
  heard_.cancels = orders.cancels;
  heard_.work_waiting = orders.work_waiting;
  heard_.last_contact = at;
  const bool quiet_meanwhile = !asked_as.in_call && !own_.in_call && asked_as.calls == own_.calls;
  mismatches_ = quiet_meanwhile && orders.held != asked_as.held ? mismatches_ + 1 : 0;
  constexpr int suspicious = 3;
  if (mismatches_ >= suspicious) heard_.ask_held = true;
  findings_.dead = std::move(dead);
  findings_.holds_lease = orders.upkeep == asked_as.session.number;
  findings_.next_due = orders.next_due;
}

}  // namespace penstock
