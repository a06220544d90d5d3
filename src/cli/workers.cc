// SPDX-License-Identifier: MIT
#include "cli/commands.h"
#include "cli/connect.h"
#include "cli/table.h"
#include "rules/duration.h"
#include "rules/job_json.h"

#include <iostream>

namespace penstock::cli {
namespace {

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ",") + name;
  return text.empty() ? "-" : text;
}

int list_workers(const Arguments& arguments) {
  if (!arguments.words().empty() && arguments.words() != std::vector<std::string>{"list"}) {
    return fail(arguments, {Errc::invalid, "workers knows only \"list\" so far, not \"" +
                                               arguments.words().front() + "\""});
  }
  auto client = connect(arguments, Access::read);
  if (!client) return fail(arguments, client.error());
  auto workers = client->workers();
  if (!workers) return fail(arguments, workers.error());
  Table table(
      {"WORKER", "PID", "STATE", "QUEUES", "POOLS", "RUNNING", "PROCESSED", "FAILED", "UPTIME"});
  for (const WorkerRecord& worker : *workers) {
    if (arguments.json()) {
      std::cout << rules::to_json(worker) << '\n';
      continue;
    }
    const Duration whole_seconds{worker.uptime.count() / 1000 * 1000};
    table.row({worker.worker, std::to_string(worker.pid), worker.state, joined(worker.queues),
               joined(worker.pools),
               std::to_string(worker.running) + "/" + std::to_string(worker.concurrency),
               std::to_string(worker.tasks_processed), std::to_string(worker.tasks_failed),
               rules::format_duration(whole_seconds)});
  }
  if (!arguments.json()) std::cout << table.text();
  return 0;
}

}  // namespace

Command workers_command() {
  return {.name = "workers",
          .summary = "The worker processes that live now",
          .words = "[list]",
          .run = list_workers};
}

}  // namespace penstock::cli
