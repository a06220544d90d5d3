// SPDX-License-Identifier: MIT
#include "apps/roster/solve_text.h"

#include <algorithm>
#include <cstdio>
#include <utility>

#include "apps/roster/answer.h"
#include "apps/roster/calendar.h"
#include "apps/roster/json_fields.h"
#include "apps/roster/read_instance.h"

namespace penstock::roster {
namespace {

using Seconds = std::chrono::duration<double>;

constexpr Seconds default_limit{60};
constexpr int most_seconds = 86'400;
constexpr Seconds time_to_answer{0.25};  // Between the end of the search and the deadline.

// What {"text": ..., "time_limit_seconds": 30} says about time; nothing for other texts.
Result<std::optional<Seconds>> wrapped_limit(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos || text[first] != '{') return std::optional<Seconds>();
  const auto document = parse_json(text);
  if (!document) return document.error();
  std::optional<Error> error;
  const Field root(*document, error);
  if (!root.has("text") || !root.has("time_limit_seconds")) return std::optional<Seconds>();
  const int seconds = root["time_limit_seconds"].number(1, most_seconds);
  if (error) return *error;
  return std::optional<Seconds>(seconds);
}

Result<Seconds> limit_of(const SolveRequest& request, const Instance& instance) {
  auto wrapped = wrapped_limit(request.text);
  if (!wrapped) return std::move(wrapped).error();
  Seconds limit = default_limit;
  if (instance.max_seconds) limit = Seconds(*instance.max_seconds);
  limit = request.limit.value_or(wrapped->value_or(limit));
  if (!request.deadline) return limit;
  const Seconds left = *request.deadline - real_clock().steady() - time_to_answer;
  return std::clamp(left, Seconds(0), limit);
}

// RFC 3339, UTC, milliseconds.
std::string utc_text(Time time) {
  const auto day = std::chrono::floor<std::chrono::days>(time);
  const auto ms = static_cast<int>((time - day).count());
  char text[48];
  std::snprintf(text, sizeof text, "%02d:%02d:%02d.%03d", ms / 3'600'000 % 24, ms / 60'000 % 60,
                ms / 1000 % 60, ms % 1000);
  return format_date(day.time_since_epoch().count()) + "T" + text + "Z";
}

}  // namespace

Result<Solved> solve_text(const SolveRequest& request) {
  const Time started = real_clock().now();
  auto instance = read_instance(request.text);
  if (!instance) return std::move(instance).error();
  const auto limit = limit_of(request, *instance);
  if (!limit) return limit.error();
  auto solution = solve(
      *instance, {.time_limit = *limit, .stop = request.stop, .on_progress = request.on_progress});
  if (!solution) return std::move(solution).error();
  auto answer = answer_json(*instance, *solution,
                            {.input = request.text,
                             .run_id = request.run_id,
                             .solver_version = "penstock-roster",
                             .started_at = utc_text(started),
                             .ended_at = utc_text(real_clock().now())});
  if (!answer) return std::move(answer).error();
  return Solved{*std::move(instance), *std::move(solution), *std::move(answer)};
}

std::string to_text(const Progress& progress) {
  const std::string bound = "bound " + std::to_string(progress.bound);
  if (!progress.incumbent) return "no roster yet, " + bound;
  return "incumbent " + std::to_string(*progress.incumbent) + ", " + bound;
}

}  // namespace penstock::roster
