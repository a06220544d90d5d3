// SPDX-License-Identifier: MIT
#include "cli/builtin_tasks.h"

#include "rules/job_json.h"

#include <csignal>
#include <limits>

#include <unistd.h>

namespace penstock::cli {
namespace {

// A field of the payload, or `fallback`; a payload that makes no sense fails for good.
std::int64_t number(const rules::JsonFields& fields, std::string_view name, std::int64_t fallback) {
  const auto value = fields.integer(name);
  if (!value) throw NoRetry("payload: " + value.error().message);
  return value->value_or(fallback);
}

rules::JsonFields fields_of(std::string_view payload) {
  auto fields = rules::JsonFields::parse(payload);
  if (!fields) throw NoRetry("payload: " + fields.error().message);
  return *std::move(fields);
}

std::string sleep_task(std::string_view payload, JobContext& context) {
  const std::int64_t ms = number(fields_of(payload), "ms", 1000);
  Clock& clock = real_clock();
  const SteadyTime start = clock.steady();
  const SteadyTime end = start + Duration{ms};
  while (clock.steady() < end) {
    const SteadyTime next = std::min(end, clock.steady() + Duration{100});
    if (clock.wait_until(next, context.stop())) throw std::runtime_error("stopped while it slept");
    const double share = static_cast<double>((clock.steady() - start).count()) /
                         static_cast<double>(std::max<std::int64_t>((end - start).count(), 1));
    if (ms > 200) context.progress(share);
  }
  return "{\"slept_ms\":" + std::to_string(ms) + "}";
}

std::string fail_task(std::string_view payload, JobContext& context) {
  const auto fields = fields_of(payload);
  const auto times = number(fields, "times", std::numeric_limits<std::int64_t>::max());
  const auto message = fields.text("message");
  if (!message) throw NoRetry("payload: " + message.error().message);
  if (context.job().attempt <= times) {
    throw std::runtime_error(message->value_or("failed as asked"));
  }
  return "{\"attempt\":" + std::to_string(context.job().attempt) + "}";
}

std::string crash_task(std::string_view payload, JobContext& context) {
  const auto fields = fields_of(payload);
  if (context.job().crashes < number(fields, "times", 1)) {
    kill(getpid(), static_cast<int>(number(fields, "signal", SIGKILL)));
    pause();
  }
  return "{\"crashes\":" + std::to_string(context.job().crashes) + "}";
}

}  // namespace

void add_builtin_tasks(Tasks& tasks) {
  tasks.add_raw("noop", [](std::string_view, JobContext&) { return std::string("null"); });
  tasks.add_raw("echo", [](std::string_view payload, JobContext&) { return std::string(payload); });
  tasks.add_raw("sleep", sleep_task);
  tasks.add_raw("fail", fail_task);
  tasks.add_raw("crash", crash_task);
}

}  // namespace penstock::cli
