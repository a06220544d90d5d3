// SPDX-License-Identifier: MIT
#include "apps/roster/show.h"

#include <nlohmann/json.hpp>

#include "apps/roster/answer.h"
#include "apps/roster/read_instance.h"
#include "apps/roster/samples.h"
#include "apps/roster/solve_task.h"
#include "apps/roster/table.h"
#include "apps/roster/verify.h"

namespace penstock::roster {
namespace {

Result<std::string> describe(const Job& job) {
  const auto instance = read_instance(sample_ward());
  if (!instance) return instance.error();
  const auto roster = roster_of_answer(*instance, job.result.value_or("null"));
  if (!roster) return roster.error();
  const auto answer = nlohmann::json::parse(*job.result);  // roster_of_answer has checked it.
  const std::string status = answer["status"], cost = answer["cost"].dump();
  if (status != "OPTIMAL") {
    return Error{Errc::job_failed, "the roster is " + status + " with cost " + cost};
  }
  const Verdict verdict = verify(*instance, *roster);
  if (!verdict.feasible() || std::to_string(verdict.cost) != cost) {
    return Error{Errc::job_failed, "the verifier does not agree with the roster of cost " + cost};
  }
  return "OPTIMAL, cost " + cost + ", proven by bound " + answer["bound"].dump() +
         ", checked by the verifier\n\n" + render_table(*instance, *roster);
}

int run(const Arguments& arguments) {
  const nlohmann::json payload = {{"text", sample_ward()}, {"time_limit_seconds", 60}};
  return run_demo(arguments, {.title = "roster instance1.txt",
                              .jobs = {{.task = solve_task, .payload = payload.dump()}},
                              .describe = describe});
}

}  // namespace

Command demo_command() {
  return {.name = "demo",
          .summary = "The show: a roster, 200 small jobs, two worker processes, one of them killed",
          .flags = demo_flags(),
          .run = run};
}

}  // namespace penstock::roster
