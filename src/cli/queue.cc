// SPDX-License-Identifier: MIT
#include "cli/commands.h"
#include "cli/connect.h"
#include "cli/table.h"
#include "rules/duration.h"
#include "rules/job_json.h"
#include "rules/job_state.h"

#include <iostream>

namespace penstock::cli {
namespace {

int list_queues(const Arguments& arguments) {
  auto client = connect(arguments, Access::read);
  if (!client) return fail(arguments, client.error());
  auto queues = client->queues();
  if (!queues) return fail(arguments, queues.error());
  Table table({"QUEUE", "READY", "SCHEDULED", "RUNNING", "FAILED", "OLDEST", "STATE"});
  for (const Queue& queue : *queues) {
    if (arguments.json()) {
      std::cout << rules::to_json(queue) << '\n';
      continue;
    }
    table.row({queue.queue, std::to_string(queue.ready), std::to_string(queue.scheduled),
               std::to_string(queue.running), std::to_string(queue.failed),
               queue.ready > 0 ? rules::format_duration(queue.oldest_ready) : "-",
               queue.paused     ? "paused"
               : queue.draining ? "draining"
                                : "open"});
  }
  if (!arguments.json()) std::cout << table.text();
  return 0;
}

template <class Act>
int on_queue(const Arguments& arguments, std::string_view done, Act act) {
  if (arguments.words().size() != 1) {
    return fail(arguments, {Errc::invalid, "exactly one queue has to be named"});
  }
  const std::string& queue = arguments.words().front();
  auto client = connect(arguments, Access::write);
  if (!client) return fail(arguments, client.error());
  if (auto ok = act(*client, queue); !ok) return fail(arguments, ok.error());
  if (!arguments.quiet()) std::cout << "queue " << queue << " " << done << '\n';
  return 0;
}

int purge(const Arguments& arguments) {
  if (arguments.words().size() != 1) {
    return fail(arguments, {Errc::invalid, "exactly one queue has to be named"});
  }
  const std::string& queue = arguments.words().front();
  if (!confirmed(arguments, "Delete all ready and scheduled jobs of queue " + queue + "?"))
    return 2;
  auto client = connect(arguments, Access::write);
  if (!client) return fail(arguments, client.error());
  std::int64_t removed = 0;
  for (const JobState state : {JobState::ready, JobState::scheduled}) {
    Filter filter{.state = state, .queue = queue};
    do {
      auto step = client->remove(filter);
      if (!step) return fail(arguments, step.error());
      removed += step->changed;
      filter.cursor = step->next_cursor;
    } while (!filter.cursor.empty());
  }
  if (!arguments.quiet()) std::cout << removed << " jobs removed from queue " << queue << '\n';
  return 0;
}

}  // namespace

std::vector<Command> queue_commands() {
  std::vector<Command> commands;
  commands.push_back(
      {.name = "queue list", .summary = "All queues and what is in them", .run = list_queues});
  commands.push_back({.name = "queue pause",
                      .summary = "Hand out no more jobs of a queue",
                      .words = "QUEUE",
                      .run = [](const Arguments& arguments) {
                        return on_queue(arguments, "paused",
                                        [](Client& c, const std::string& q) { return c.pause(q); });
                      }});
  commands.push_back({.name = "queue resume",
                      .summary = "Hand out again; ends a drain too",
                      .words = "QUEUE",
                      .run = [](const Arguments& arguments) {
                        return on_queue(arguments, "resumed", [](Client& c, const std::string& q) {
                          return c.resume(q);
                        });
                      }});
  commands.push_back({.name = "queue drain",
                      .summary = "Refuse new jobs and work off the rest",
                      .words = "QUEUE",
                      .run = [](const Arguments& arguments) {
                        return on_queue(arguments, "draining",
                                        [](Client& c, const std::string& q) { return c.drain(q); });
                      }});
  commands.push_back({.name = "queue purge",
                      .summary = "Delete the ready and scheduled jobs",
                      .flags = {{"--yes", "", "do not ask"}},
                      .words = "QUEUE",
                      .run = purge});
  return commands;
}

}  // namespace penstock::cli
