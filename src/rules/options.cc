// SPDX-License-Identifier: MIT
#include "rules/options.h"

#include "rules/backoff.h"
#include "rules/duration.h"
#include "rules/json.h"
#include "rules/limits.h"

#include <charconv>

namespace penstock::rules {
namespace {

Error corrupt(std::string_view text) {
  return Error{Errc::internal, "stored job options are unreadable: " + std::string(text)};
}

Result<void> read_one(OwnOptions& own, const std::string& key, const std::string& value) {
  const auto take = [&](std::optional<Duration>& into) -> Result<void> {
    auto parsed = parse_duration(value);
    if (!parsed) return std::move(parsed).error();
    into = *parsed;
    return {};
  };
  if (key == "retry_for") return take(own.retry_for);
  if (key == "timeout") return take(own.timeout);
  if (key == "result_ttl") return take(own.result_ttl);
  if (key == "keep") {
    own.keep_full = value == "full";
    return {};
  }
  if (key == "node") {
    own.node = value;
    return {};
  }
  if (key == "backoff") {
    auto parsed = parse_backoff(value);
    if (!parsed) return std::move(parsed).error();
    own.backoff = *parsed;
    return {};
  }
  if (key == "max_attempts") {
    int number = 0;
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (error != std::errc{} || end != value.data() + value.size()) return corrupt(value);
    own.max_attempts = number;
    return {};
  }
  return corrupt(key);
}

}  // namespace

std::string write_options(const OwnOptions& own) {
  std::map<std::string, std::string> set;
  if (own.max_attempts) set["max_attempts"] = std::to_string(*own.max_attempts);
  if (own.backoff) set["backoff"] = format_backoff(*own.backoff);
  if (own.retry_for) set["retry_for"] = format_duration(*own.retry_for);
  if (own.timeout) set["timeout"] = format_duration(*own.timeout);
  if (own.result_ttl) set["result_ttl"] = format_duration(*own.result_ttl);
  if (own.keep_full) set["keep"] = "full";
  if (!own.node.empty()) set["node"] = own.node;
  return set.empty() ? std::string() : write_string_map(set);
}

Result<OwnOptions> read_options(std::string_view text) {
  OwnOptions own;
  if (text.empty()) return own;
  auto set = read_string_map(text);
  if (!set) return corrupt(text);
  for (const auto& [key, value] : *set) {
    if (auto read = read_one(own, key, value); !read) return std::move(read).error();
  }
  return own;
}

std::string_view run_of(std::string_view options) {
  constexpr std::string_view node = R"("node":")";
  const auto found = options.find(node);
  if (found == std::string_view::npos) return {};
  const std::string_view ticket = options.substr(found + node.size());
  return ticket.substr(0, ticket.find('|'));
}

Policy effective(const OwnOptions& own, const TaskDefaults& task, const Retention& retention) {
  Policy policy;
  policy.max_attempts = own.max_attempts.value_or(task.max_attempts.value_or(default_max_attempts));
  policy.backoff = own.backoff.value_or(task.backoff.value_or(Backoff{}));
  policy.retry_for = own.retry_for ? own.retry_for : task.retry_for;
  policy.timeout = own.timeout ? own.timeout : task.timeout;
  policy.keep_succeeded =
      own.result_ttl.value_or(task.result_ttl.value_or(retention.succeeded.age));
  policy.keep_failed = retention.failed.age;
  policy.keep_full = own.keep_full;
  return policy;
}

}  // namespace penstock::rules
