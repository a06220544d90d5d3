// SPDX-License-Identifier: MIT
#include "worker/heart.h"

#include "rules/limits.h"

#include <filesystem>
#include <fstream>
#include <string>

#include <unistd.h>

namespace penstock {
namespace {

std::int64_t resident_bytes(const std::string& process) {
  std::ifstream file("/proc/" + process + "/statm");
  std::int64_t whole = 0, resident = 0;
  file >> whole >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

}  // namespace

// A program that ended in between has none.
std::int64_t resident_bytes_with_programs() {
  std::int64_t total = resident_bytes("self");
  std::error_code failed;
  for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task", failed)) {
    std::ifstream children(thread.path() / "children");
    for (std::string child; children >> child;) total += resident_bytes(child);
  }
  return total;
}

void Heart::step() {
  Pulse::Own own = pulse_.own();
  own.vitals.rss_bytes = resident_bytes_with_programs();
  if (own.session.nonce.empty()) return;  // Not open yet.
  SteadyTime asked = store_.clock().steady();
  auto orders = store_.extend(own.session, own.vitals);
  // A wire that was cut says so at once, and a beat may be repeated. Without the repetition the two
  // answers around the cut would lie so far apart that every watch begins anew.
  const SteadyTime failed = store_.clock().steady();
  const bool cut = !orders && orders.error().code == Errc::unavailable;
  if (cut && failed - asked < rules::watch_prompt) {
    asked = failed;
    orders = store_.extend(own.session, own.vitals);
  }
  if (!orders) return;  // The pump notices by the age of the last contact.
  const SteadyTime answered = store_.clock().steady();
  auto dead = rescuer_.observe(orders->watch, asked, answered);
  // It has to hear the end of an order, too.
  const bool ordered = orders->order != Order::run || pulse_.heard().order != Order::run;
  const bool for_pump = !orders->alive || !orders->cancels.empty() || orders->work_waiting ||
                        ordered || own.too_large();
  const bool for_upkeep = !dead.empty() || orders->upkeep == own.session.number;
  pulse_.answered(own, *orders, answered, std::move(dead));
  if (for_pump) tell_pump_();
  if (for_upkeep) tell_upkeep_();
}

void Heart::run(const std::stop_token& stop) {
  SteadyTime next = store_.clock().steady();
  while (!stop.stop_requested()) {
    step();
    // Not `now + interval`: a slow answer must not stretch the beat. Until there is a session, the
    // wait is short: the first answer says who tends.
    constexpr Duration before_first{20};
    const bool open = !pulse_.own().session.nonce.empty();
    next = std::max(next + (open ? rules::beat_interval : before_first), store_.clock().steady());
    store_.clock().wait_until(next, stop);
  }
}

}  // namespace penstock
