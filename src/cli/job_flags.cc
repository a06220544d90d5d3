// SPDX-License-Identifier: MIT
#include "cli/job_flags.h"

#include "cli/connect.h"
#include "rules/backoff.h"
#include "rules/duration.h"
#include "rules/job_state.h"
#include "rules/name.h"

namespace penstock::cli {
namespace {

Result<std::pair<std::string, std::string>> read_tag(const std::string& text) {
  const auto equals = text.find('=');
  if (equals == std::string::npos || equals == 0) {
    return Error{Errc::invalid, "--tag \"" + rules::printable(text) + "\": write key=value"};
  }
  return std::pair(text.substr(0, equals), text.substr(equals + 1));
}

// KEY or KEY:HOLD; a key may have colons itself, so only a duration after the last one counts.
Unique read_unique(const std::string& text) {
  const auto colon = text.rfind(':');
  if (colon != std::string::npos) {
    if (auto hold = rules::parse_duration(std::string_view(text).substr(colon + 1))) {
      return {.key = text.substr(0, colon), .hold = *hold};
    }
  }
  return {.key = text};
}

Result<Ack> read_ack(const std::string& text) {
  if (text == "received") return Ack::received;
  if (text == "fsynced") return Ack::fsynced;
  if (text.starts_with("replicated:")) {
    const int count = std::atoi(text.c_str() + 11);
    if (count >= 1 && count <= 100) return Ack{Ack::Level::replicated, count};
  }
  return Error{Errc::invalid,
               "--ack \"" + rules::printable(text) + "\": write received, fsynced or replicated:N"};
}

Result<void> read_start(const Arguments& arguments, SubmitOptions& options) {
  auto delay = duration_flag(arguments, "--delay");
  if (!delay) return std::move(delay).error();
  const std::string at = arguments.text("--at");
  if (*delay && !at.empty()) {
    return Error{Errc::invalid, "--delay and --at exclude each other: give one"};
  }
  if (*delay) options.start = **delay;
  if (at.empty()) return {};
  auto time = rules::parse_time(at);
  if (!time) return Error{Errc::invalid, "--at: " + time.error().message};
  options.start = *time;
  return {};
}

}  // namespace

std::vector<Flag> submit_flags() {
  return {
      {"--queue", "Q", "queue (default)"},
      {"--pool", "P", "only workers of this pool take it"},
      {"--priority", "0..10", "larger runs first (5)"},
      {"--delay", "10s", "not before this delay"},
      {"--at", "TIME", "not before this time, RFC 3339"},
      {"--max-attempts", "N", "tries in all (3)"},
      {"--backoff", "POLICY", "none, fixed:5s, linear:1s..60s, exponential:1s..60s"},
      {"--retry-for", "1h", "no retry later than this after the submit"},
      {"--timeout", "30s", "of each attempt"},
      {"--expires", "1h", "cancelled unless it has started by then"},
      {"--unique", "KEY[:hold]", "at most one live job of this key"},
      {"--id", "ID", "an id of your own"},
      {"--result-ttl", "1h", "how long the ended job is remembered"},
      {"--tag", "k=v", "a tag; may be repeated", true},
      {"--idempotency-key", "K", "the same key within 24h answers with the same job"},
      {"--keep", "full", "keep payload and tags after success"},
      {"--ack", "LEVEL", "received, fsynced or replicated:N"},
  };
}

Result<SubmitOptions> read_submit_flags(const Arguments& arguments) {
  SubmitOptions options;
  options.queue = arguments.text("--queue", "default");
  options.pool = arguments.text("--pool");
  options.id = arguments.text("--id");
  options.idempotency_key = arguments.text("--idempotency-key");
  auto priority = integer_flag(arguments, "--priority");
  if (!priority) return std::move(priority).error();
  options.priority = priority->value_or(options.priority);
  auto attempts = integer_flag(arguments, "--max-attempts");
  if (!attempts) return std::move(attempts).error();
  options.max_attempts = *attempts;
  const std::pair<std::string_view, std::optional<Duration>*> durations[] = {
      {"--retry-for", &options.retry_for},
      {"--timeout", &options.timeout},
      {"--expires", &options.expires},
      {"--result-ttl", &options.result_ttl}};
  for (const auto& [flag, into] : durations) {
    auto value = duration_flag(arguments, flag);
    if (!value) return std::move(value).error();
    *into = *value;
  }
  if (const std::string text = arguments.text("--backoff"); !text.empty()) {
    auto backoff = rules::parse_backoff(text);
    if (!backoff) return std::move(backoff).error();
    options.backoff = *backoff;
  }
  if (auto ok = read_start(arguments, options); !ok) return std::move(ok).error();
  if (const std::string text = arguments.text("--unique"); !text.empty()) {
    options.unique = read_unique(text);
  }
  for (const std::string& text : arguments.all("--tag")) {
    auto tag = read_tag(text);
    if (!tag) return std::move(tag).error();
    options.tags.insert(*std::move(tag));
  }
  if (const std::string keep = arguments.text("--keep"); !keep.empty()) {
    if (keep != "full") return Error{Errc::invalid, "--keep \"" + keep + "\": only full is known"};
    options.keep_full = true;
  }
  auto ack = read_ack(arguments.text("--ack", "received"));
  if (!ack) return std::move(ack).error();
  options.ack = *ack;
  return options;
}

std::vector<Flag> filter_flags() {
  return {{"--state", "S", "waiting, scheduled, ready, running, succeeded, failed or cancelled"},
          {"--queue", "Q", "of this queue"},
          {"--task", "T", "of this task"},
          {"--tag", "k=v", "with this tag"}};
}

bool has_filter(const Arguments& arguments) {
  for (const Flag& flag : filter_flags()) {
    if (arguments.has(flag.name)) return true;
  }
  return false;
}

Result<Filter> read_filter_flags(const Arguments& arguments) {
  Filter filter{.queue = arguments.text("--queue"), .task = arguments.text("--task")};
  if (const std::string text = arguments.text("--state"); !text.empty()) {
    filter.state = rules::parse_state(text);
    if (!filter.state) {
      return Error{Errc::invalid, "--state \"" + rules::printable(text) +
                                      "\" is no state: see docs/state_machine.md"};
    }
  }
  if (const std::string text = arguments.text("--tag"); !text.empty()) {
    auto tag = read_tag(text);
    if (!tag) return std::move(tag).error();
    filter.tag = *std::move(tag);
  }
  auto limit = integer_flag(arguments, "--limit");
  if (!limit) return std::move(limit).error();
  filter.limit = limit->value_or(20);
  if (filter.limit < 1 || filter.limit > 100'000) {
    return Error{Errc::invalid,
                 "--limit " + std::to_string(filter.limit) + " is out of range: use 1 to 100000"};
  }
  return filter;
}

}  // namespace penstock::cli
