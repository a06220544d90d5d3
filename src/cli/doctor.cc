// SPDX-License-Identifier: MIT
#include "cli/commands.h"
#include "cli/connect.h"
#include "cli/settings.h"
#include "rules/duration.h"
#include "rules/job_json.h"
#include "rules/name.h"
#include "rules/serving.h"

#include <algorithm>
#include <iostream>
#include <set>

namespace penstock::cli {
namespace {

constexpr int most_pages = 20;

using Workers = std::vector<WorkerRecord>;

Result<void> find_stranded(Client& client, const Workers& workers, JobState state,
                           std::set<std::string>& told, Health& health) {
  Filter filter{.state = state, .limit = 1000};
  for (int page_number = 0; page_number < most_pages; ++page_number) {
    auto page = client.list(filter);
    if (!page) return std::move(page).error();
    for (const Job& job : page->items) {
      if (!rules::is_stranded(workers, job)) continue;
      const std::string where = "task " + job.task + " in queue " + job.queue +
                                (job.pool.empty() ? "" : " and pool " + job.pool);
      if (!told.insert(where).second) continue;
      health.findings.push_back(
          {.serious = true,
           .what = "no live worker can run " + where + ", such as job " + job.id.text,
           .hint = "start a worker with this task, queue and pool"});
    }
    if (page->next_cursor.empty()) break;
    filter.cursor = page->next_cursor;
  }
  return {};
}

Result<void> find_troubled_queues(Client& client, Health& health) {
  auto queues = client.queues();
  if (!queues) return std::move(queues).error();
  for (const Queue& queue : *queues) {
    if (queue.paused && queue.ready > 0) {
      health.findings.push_back({.what = "queue " + queue.queue + " is paused with " +
                                         std::to_string(queue.ready) + " ready jobs",
                                 .hint = "penstock queue resume " + queue.queue});
    }
    if (queue.failed > 0) {
      health.findings.push_back(
          {.what = "queue " + queue.queue + " has " + std::to_string(queue.failed) + " failed jobs",
           .hint = "penstock job list --state failed --queue " + queue.queue});
    }
  }
  return {};
}

// Sessions whose beat stands still, with nobody left who would take their jobs back.
void find_silent(Client& client, const Workers& workers, Health& health) {
  constexpr Duration too_long{5000};
  const Time now = client.clock().now();
  const auto silent = std::ranges::count_if(
      workers, [&](const WorkerRecord& worker) { return now - worker.last_seen_at > too_long; });
  if (silent == 0) return;
  health.findings.push_back(
      {.serious = true,
       .what = std::to_string(silent) + " sessions have not beaten for more than 5s",
       .hint = "their workers are dead or stopped: start a worker, it takes their jobs back"});
}

int run_doctor(const Arguments& arguments) {
  auto client = connect(arguments, Access::read);
  if (!client) return fail(arguments, client.error());
  auto health = client->health();
  if (!health) return fail(arguments, health.error());
  const auto workers = client->workers();
  if (!workers) return fail(arguments, workers.error());
  std::set<std::string> told;
  for (const JobState state : {JobState::ready, JobState::scheduled}) {
    auto ok = find_stranded(*client, *workers, state, told, *health);
    if (!ok) return fail(arguments, ok.error());
  }
  find_silent(*client, *workers, *health);
  if (auto ok = find_troubled_queues(*client, *health); !ok) return fail(arguments, ok.error());
  const bool ill = std::ranges::any_of(health->findings, &Health::Finding::serious);
  if (arguments.json()) {
    std::cout << rules::to_json(*health) << '\n';
    return ill ? 1 : 0;
  }
  std::cout << "store       " << rules::without_password(health->store) << " (from "
            << arguments.origin("--store") << ")\n"
            << "reachable   yes, " << rules::format_duration(health->latency) << '\n'
            << "version     " << health->version << '\n'
            << "durability  up to " << health->durability << '\n'
            << "disk        " << health->disk_bytes / 1024 << " KiB\n";
  if (health->memory_bytes > 0) {
    std::cout << "memory      " << health->memory_bytes / 1024 << " KiB\n";
  }
  std::cout << "sessions    " << health->sessions << " live, " << health->sessions_lost << " lost, "
            << health->false_alarms << " false alarms\n"
            << "refused     " << health->stale_writes_refused << " late writes\n";
  for (const Health::Finding& finding : health->findings) {
    std::cout << (finding.serious ? "PROBLEM     " : "note        ") << finding.what << ": "
              << finding.hint << '\n';
  }
  if (health->findings.empty()) std::cout << "findings    none\n";
  return ill ? 1 : 0;
}

}  // namespace

Command doctor_command() {
  return {.name = "doctor",
          .summary = "Is the store well, and can every job find a worker? Exit code 1 if not",
          .run = run_doctor};
}

}  // namespace penstock::cli
