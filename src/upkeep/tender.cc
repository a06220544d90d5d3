// SPDX-License-Identifier: MIT
#include "upkeep/tender.h"

#include "upkeep/rescuer.h"

#include <penstock/log.h>

#include <algorithm>

namespace penstock {
namespace {

constexpr Duration prune_every{2000};
constexpr Duration rest{10'000};  // With nothing due, a step is still taken this often.

}  // namespace

Result<Duration> Tender::step(const Findings& findings) {
  if (auto done = rescue(findings); !done) return std::move(done).error();
  if (!findings.holds_lease) return rest;
  const Time now = store_.clock().now();
  auto next = promote(findings, now);
  if (!next) return next;
  const SteadyTime steady = store_.clock().steady();
  if (steady >= next_prune_) {
    next_prune_ = steady + prune_every;
    auto pruned = store_.prune({.retention = retention_}, now, {});
    if (!pruned) return std::move(pruned).error();
    if (pruned->more) {
      next_prune_ = steady;
      return Duration{0};
    }
  }
  return std::min(*next, prune_every);
}

Result<void> Tender::rescue(const Findings& findings) {
  for (const Watched& dead : findings.dead) {
    auto rescued = rescue_all(store_, dead, {.certificate = "no beat", .retention = retention_});
    if (!rescued) return std::move(rescued).error();
    if (*rescued > 0) {
      log(LogLevel::warning, "session " + std::to_string(static_cast<std::uint64_t>(dead.session)) +
                                 " stopped beating: " + std::to_string(*rescued) +
                                 " jobs given back");
    }
  }
  return {};
}

Result<Duration> Tender::promote(const Findings& findings, Time now) {
  std::optional<Time> due = findings.next_due;
  bool look = findings.due_moved;
  while (look || (due && *due <= now)) {
    look = false;
    auto step = store_.promote({}, now, {});
    if (!step) return std::move(step).error();
    due = step->next_due;
    if (!step->more) break;
  }
  if (!due) return rest;
  return std::clamp(std::chrono::duration_cast<Duration>(*due - now), Duration{0}, rest);
}

}  // namespace penstock
