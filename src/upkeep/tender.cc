// SPDX-License-Identifier: MIT
#include "upkeep/tender.h"

#include "upkeep/rescuer.h"

#include <penstock/log.h>

#include <algorithm>

namespace penstock {
namespace {

constexpr Duration prune_every{2000};
constexpr Duration prune_idle{600'000};  // What only age makes old (events) can wait so long.
constexpr Duration rest{10'000};         // With nothing due, a step is still taken this often.

}  // namespace

Result<Duration> Tender::step(const Findings& findings) {
  if (auto done = rescue(findings); !done) return std::move(done).error();
  if (!findings.holds_lease) return rest;
  const Time now = store_.clock().now();
  auto next = promote(findings, now);
  if (!next) return next;
  const SteadyTime steady = store_.clock().steady();
  if (should_prune(findings, now, steady)) {
    auto pruned = store_.prune({.retention = retention_}, now, {});
    if (!pruned) return std::move(pruned).error();
    if (pruned->more) {
      next_prune_ = prune_anyway_ = steady;
      return Duration{0};
    }
    next_prune_ = steady + prune_every;
    prune_anyway_ = steady + prune_idle;
    pruned_at_ = findings.news;
  }
  return std::min(*next, prune_every);
}

// A store in which nothing has happened and nothing is past its time is left in peace.
bool Tender::should_prune(const Findings& findings, Time now, SteadyTime steady) const {
  if (steady < next_prune_) return false;
  return findings.news != pruned_at_ || steady >= prune_anyway_ ||
         (findings.oldest_ended && *findings.oldest_ended <= now);
}

Result<void> Tender::rescue(const Findings& findings) {
  for (const Watched& dead : findings.dead) {
    auto rescued = rescue_all(store_, dead, {.certificate = "no beat", .retention = retention_});
    if (!rescued) return std::move(rescued).error();
    if (*rescued > 0) {
      log(LogLevel::warning, "session " + std::to_string(static_cast<std::uint64_t>(dead.session)) +
                                 " stopped beating: " + std::to_string(*rescued) +
                                 (*rescued == 1 ? " job" : " jobs") + " given back");
    }
  }
  return {};
}

Result<Duration> Tender::promote(const Findings& findings, Time now) {
  std::optional<Time> due = findings.next_due;
  while (due && *due <= now) {
    auto step = store_.promote({}, now, {});
    if (!step) return std::move(step).error();
    due = step->next_due;
    if (!step->more) break;
  }
  if (!due) return rest;
  return std::clamp(std::chrono::duration_cast<Duration>(*due - now), Duration{0}, rest);
}

}  // namespace penstock
