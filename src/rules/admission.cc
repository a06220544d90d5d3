// SPDX-License-Identifier: MIT
#include "rules/admission.h"

#include "rules/duration.h"
#include "rules/json.h"
#include "rules/limits.h"
#include "rules/name.h"

namespace penstock::rules {
namespace {

Result<void> check_names(const JobSpec& spec) {
  const SubmitOptions& o = spec.options;
  if (auto ok = check_name("task name", spec.task); !ok) return ok;
  if (auto ok = check_name("queue name", o.queue); !ok) return ok;
  if (!o.pool.empty()) {
    if (auto ok = check_name("pool name", o.pool); !ok) return ok;
  }
  if (!o.id.empty()) {
    if (auto ok = check_own_id("job id", o.id); !ok) return ok;
  }
  if (o.unique) {
    if (auto ok = check_key("unique key", o.unique->key); !ok) return ok;
  }
  if (!o.fair_key.empty()) {
    if (auto ok = check_key("fair key", o.fair_key); !ok) return ok;
    // No store takes turns between keys yet; a promise that is dropped in silence is worse than
    // none.
    return Error{Errc::invalid, "fair key \"" + printable(o.fair_key) +
                                    "\" cannot be honoured by this version: leave it out"};
  }
  if (!o.idempotency_key.empty()) {
    if (auto ok = check_key("idempotency key", o.idempotency_key); !ok) return ok;
  }
  return check_tags(o.tags);
}

Result<void> check_span(std::string_view what, const std::optional<Duration>& value,
                        Duration least) {
  if (!value || *value >= least) return {};
  return Error{Errc::invalid, std::string(what) + " " + format_duration(*value) +
                                  " is too short: use at least " + format_duration(least)};
}

Result<void> check_numbers(const SubmitOptions& o) {
  if (o.priority < 0 || o.priority > max_priority) {
    return Error{Errc::invalid, "priority " + std::to_string(o.priority) +
                                    " is out of range: use 0 to " + std::to_string(max_priority)};
  }
  if (auto ok = check_tries(o.max_attempts, o.backoff); !ok) return ok;
  if (auto ok = check_span("timeout", o.timeout, Duration{1}); !ok) return ok;
  if (auto ok = check_span("expires", o.expires, Duration{1}); !ok) return ok;
  if (auto ok = check_span("retry_for", o.retry_for, Duration{0}); !ok) return ok;
  if (auto ok = check_span("result_ttl", o.result_ttl, Duration{0}); !ok) return ok;
  if (o.unique) return check_span("unique hold", o.unique->hold, Duration{1});
  return {};
}

}  // namespace

Result<void> check_tries(std::optional<int> max_attempts, const std::optional<Backoff>& backoff) {
  if (max_attempts && (*max_attempts < 1 || *max_attempts > 1000)) {
    return Error{Errc::invalid, "max_attempts " + std::to_string(*max_attempts) +
                                    " is out of range: use 1 to 1000"};
  }
  if (!backoff) return {};
  const Backoff& b = *backoff;
  const bool span_ok =
      b.first >= Duration{0} &&
      (b.kind == Backoff::Kind::fixed || b.kind == Backoff::Kind::none || b.cap >= b.first);
  const bool jitter_ok = b.jitter >= 0 && b.jitter <= 1;  // False for what is no number, too.
  if (span_ok && jitter_ok) return {};
  return Error{Errc::invalid,
               "backoff is out of range: 0 <= first <= cap and 0 <= jitter <= 1 must hold"};
}

Result<NewJob> admit(const JobSpec& spec, Time now) {
  if (auto ok = check_names(spec); !ok) return std::move(ok).error();
  if (auto ok = check_numbers(spec.options); !ok) return std::move(ok).error();
  if (auto ok = check_json("payload", spec.payload, max_payload_bytes); !ok) {
    return std::move(ok).error();
  }
  const SubmitOptions& o = spec.options;
  NewJob job{.task = spec.task, .queue = o.queue, .pool = o.pool, .payload = spec.payload};
  job.priority = o.priority;
  job.own_id = o.id;
  job.idempotency_key = o.idempotency_key;
  job.fair_key = o.fair_key;
  job.tags = o.tags;
  job.own = {.max_attempts = o.max_attempts,
             .backoff = o.backoff,
             .retry_for = o.retry_for,
             .timeout = o.timeout,
             .result_ttl = o.result_ttl,
             .keep_full = o.keep_full};
  if (o.unique) {
    job.unique_key = o.unique->key;
    if (o.unique->hold) job.unique_until = now + *o.unique->hold;
  }
  if (o.expires) job.expires_at = now + *o.expires;
  if (const auto* after = std::get_if<Duration>(&o.start)) {
    if (*after < Duration{0}) {
      return Error{Errc::invalid, "delay " + format_duration(*after) +
                                      " is negative: use a positive one, or none"};
    }
    if (*after > Duration{0}) job.due = now + *after;
  } else if (const auto* at = std::get_if<Time>(&o.start)) {
    if (*at > now) job.due = *at;
  }
  if (job.due) job.first = JobState::scheduled;
  return job;
}

}  // namespace penstock::rules
