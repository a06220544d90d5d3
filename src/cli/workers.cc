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
  auto client = connect(arguments, Access::read);
  if (!client) return fail(arguments, client.error());
  auto workers = client->workers();
  if (!workers) return fail(arguments, workers.error());
  print_workers(arguments, *workers);
  return 0;
}

int tell_workers(const Arguments& arguments, const std::vector<std::string>& names,
                 WorkerOrder order) {
  auto client = connect(arguments, Access::write);
  if (!client) return fail(arguments, client.error());
  int told = 0;
  for (const std::string& name : names) {
    const auto answer = client->tell_worker(name, order);
    if (!answer) return fail(arguments, answer.error());
    told += *answer;
  }
  if (arguments.json()) {
    std::cout << "{\"told\":" << told << "}\n";
  } else if (!arguments.quiet()) {
    std::cerr << told << (told == 1 ? " worker" : " workers") << " told\n";
  }
  return 0;
}

int run_workers(const Arguments& arguments) {
  std::vector<std::string> words = arguments.words();
  const std::string verb = words.empty() ? "list" : words.front();
  if (!words.empty()) words.erase(words.begin());
  if (verb == "list" && words.empty()) return list_workers(arguments);
  std::optional<WorkerOrder> order;
  if (verb == "quiet") order = WorkerOrder::quiet;
  if (verb == "resume") order = WorkerOrder::run;
  if (verb == "stop") order = WorkerOrder::stop;
  if (order && !words.empty()) return tell_workers(arguments, words, *order);
  return fail(arguments, {Errc::invalid,
                          "write workers list, or workers quiet, resume or stop and "
                          "the names of workers"});
}

}  // namespace

void print_workers(const Arguments& arguments, const std::vector<WorkerRecord>& workers) {
  Table table(
      {"WORKER", "PID", "STATE", "QUEUES", "POOLS", "RUNNING", "PROCESSED", "FAILED", "UPTIME"});
  for (const WorkerRecord& worker : workers) {
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
}

Command workers_command() {
  return {.name = "workers",
          .summary = "The worker processes that live now; tell one to rest, go on or end",
          .words = "[list | quiet ID... | resume ID... | stop ID...]",
          .run = run_workers};
}

}  // namespace penstock::cli
