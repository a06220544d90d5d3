// SPDX-License-Identifier: MIT
#include "apps/roster/solve_task.h"

#include <algorithm>
#include <cstdio>
#include <string>

#include "apps/roster/json_fields.h"
#include "apps/roster/solve_text.h"

namespace penstock::roster {
namespace {

// How far it is for sure: the part of the cost at hand that is proven to be needed.
double share_of(const Progress& progress) {
  if (!progress.incumbent) return 0;
  if (*progress.incumbent <= 0) return 1;
  const auto incumbent = static_cast<double>(*progress.incumbent);
  return std::clamp(static_cast<double>(progress.bound) / incumbent, 0.0, 1.0);
}

std::string log_line(const Progress& progress) {
  char seconds[32];
  std::snprintf(seconds, sizeof seconds, " after %.3f s", progress.seconds);
  return to_text(progress) + seconds;
}

// A JSON string holds the benchmark format; an object is read as it is.
std::string text_of(std::string_view payload) {
  if (!payload.starts_with('"')) return std::string(payload);
  const auto text = parse_json(payload);
  if (!text) throw NoRetry(text.error().message);
  return text->get<std::string>();
}

std::string run(std::string_view payload, JobContext& context) {
  const std::string text = text_of(payload);
  const auto solved = solve_text({.text = text,
                                  .run_id = context.job().id.text,
                                  .deadline = context.deadline(),
                                  .stop = context.stop(),
                                  .on_progress = [&context](const Progress& progress) {
                                    context.progress(share_of(progress), to_text(progress));
                                    context.log(log_line(progress));
                                  }});
  if (solved) return solved->answer;
  const Error& error = solved.error();
  if (error.code == Errc::invalid || error.code == Errc::too_large) throw NoRetry(error.message);
  throw std::runtime_error(error.message);
}

}  // namespace

void add_solve_task(Tasks& tasks) { tasks.add_raw(solve_task, run); }

}  // namespace penstock::roster
