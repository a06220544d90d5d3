// SPDX-License-Identifier: MIT
#include "cli/commands.h"
#include "cli/connect.h"
#include "cli/job_flags.h"
#include "cli/table.h"
#include "rules/duration.h"
#include "rules/explain.h"
#include "rules/job_json.h"
#include "rules/job_state.h"

#include <iostream>

namespace penstock::cli {
namespace {

constexpr Duration for_ever{365LL * 86'400'000};

std::string text_of(const std::optional<Time>& time) {
  return time ? rules::format_time(*time) : std::string("-");
}

// Runs `act` on every id that was given; the exit code is the first failure's.
template <class Act>
int each_id(const Arguments& arguments, Access access, Act act) {
  if (arguments.words().empty()) {
    return fail(arguments, {Errc::invalid, "a job id is missing: penstock job list shows them"});
  }
  auto client = connect(arguments, access);
  if (!client) return fail(arguments, client.error());
  int code = 0;
  for (const std::string& id : arguments.words()) {
    Result<void> done = act(*client, JobId{id});
    if (done) continue;
    const int failed = fail(arguments, done.error());
    if (code == 0) code = failed;
  }
  return code;
}

void print_job(const Job& job) {
  const auto line = [](std::string_view name, const std::string& value) {
    if (value.empty()) return;
    std::cout << name << std::string(name.size() < 12 ? 12 - name.size() : 1, ' ') << value << '\n';
  };
  line("id", job.id.text);
  line("task", job.task);
  line("queue", job.queue + (job.pool.empty() ? "" : " (pool " + job.pool + ")"));
  line("priority", std::to_string(job.priority));
  line("state", std::string(rules::to_text(job.state)));
  line("attempt", std::to_string(job.attempt) + " of " + std::to_string(job.max_attempts) +
                      (job.crashes > 0 ? ", " + std::to_string(job.crashes) + " crashes" : ""));
  if (job.state == JobState::running || job.progress > 0) {
    line("progress",
         std::to_string(static_cast<int>(job.progress * 100)) + "% " + job.progress_message);
  }
  line("worker", job.worker);
  line("created", text_of(job.created_at));
  if (job.scheduled_at) line("due", text_of(job.scheduled_at));
  if (job.started_at) line("started", text_of(job.started_at));
  if (job.finished_at) line("finished", text_of(job.finished_at));
  for (const auto& [key, value] : job.tags) line("tag", key + "=" + value);
  line("payload", job.payload.value_or(""));
  line("result", job.result.value_or(""));
  line("error", job.error);
}

int show(const Arguments& arguments) {
  bool first = true;
  return each_id(arguments, Access::read, [&](Client& client, const JobId& id) -> Result<void> {
    auto job = client.find(id);
    if (!job) return std::move(job).error();
    if (arguments.json()) {
      std::cout << rules::to_json(*job) << '\n';
      return {};
    }
    if (!first) std::cout << '\n';
    first = false;
    print_job(*job);
    return {};
  });
}

int result(const Arguments& arguments) {
  return each_id(arguments, Access::read, [](Client& client, const JobId& id) -> Result<void> {
    auto job = client.find(id);
    if (!job) return std::move(job).error();
    if (!rules::is_terminal(job->state)) {
      return Error{Errc::not_ready, "job " + id.text + " has not ended, it is " +
                                        std::string(rules::to_text(job->state)) +
                                        ": penstock job wait " + id.text};
    }
    auto text = client.wait_text(id, Duration{0});
    if (!text) return std::move(text).error();
    std::cout << *text << '\n';
    return {};
  });
}

int wait(const Arguments& arguments) {
  auto patience = duration_flag(arguments, "--timeout");
  if (!patience) return fail(arguments, patience.error());
  return each_id(arguments, Access::read, [&](Client& client, const JobId& id) -> Result<void> {
    auto text = client.wait_text(id, patience->value_or(for_ever));
    if (!text) return std::move(text).error();
    std::cout << *text << '\n';
    return {};
  });
}

int logs(const Arguments& arguments) {
  return each_id(arguments, Access::read, [&](Client& client, const JobId& id) -> Result<void> {
    std::string cursor;
    do {
      auto page = client.logs(id, cursor);
      if (!page) return std::move(page).error();
      for (const LogLine& line : page->items) {
        if (arguments.json()) {
          std::cout << rules::to_json(line) << '\n';
        } else {
          std::cout << rules::format_time(line.at) << " [" << line.attempt << "] " << line.text
                    << '\n';
        }
      }
      cursor = page->next_cursor;
    } while (!cursor.empty());
    return {};
  });
}

int explain(const Arguments& arguments) {
  return each_id(arguments, Access::read, [&](Client& client, const JobId& id) -> Result<void> {
    auto job = client.find(id);
    if (!job) return std::move(job).error();
    auto workers = client.workers();
    if (!workers) return std::move(workers).error();
    auto queues = client.queues();
    if (!queues) return std::move(queues).error();
    const Queue* queue = nullptr;
    for (const Queue& one : *queues) {
      if (one.queue == job->queue) queue = &one;
    }
    const auto reasons = rules::explain(*job, queue, *workers, client.clock().now());
    if (arguments.json()) {
      std::cout << rules::to_json(*job, reasons) << '\n';
      return {};
    }
    std::cout << "job " << id.text << " is " << rules::to_text(job->state) << '\n';
    for (const rules::Reason& reason : reasons) {
      std::cout << "  " << reason.code << ": " << reason.text
                << (reason.detail.empty() ? "" : " (" + reason.detail + ")") << '\n';
    }
    return {};
  });
}

int list(const Arguments& arguments) {
  auto filter = read_filter_flags(arguments);
  if (!filter) return fail(arguments, filter.error());
  filter->cursor = arguments.text("--cursor");
  auto client = connect(arguments, Access::read);
  if (!client) return fail(arguments, client.error());
  const bool as_json = arguments.json();
  Table table({"ID", "TASK", "QUEUE", "STATE", "ATTEMPT", "CREATED", "ERROR"});
  int left = filter->limit;
  do {
    filter->limit = std::min(left, 1000);
    auto page = client->list(*filter);
    if (!page) return fail(arguments, page.error());
    for (const Job& job : page->items) {
      if (as_json) {
        std::cout << rules::to_json(job) << '\n';
        continue;
      }
      const std::string error = job.error.substr(0, job.error.find('\n')).substr(0, 60);
      table.row({job.id.text, job.task, job.queue, std::string(rules::to_text(job.state)),
                 std::to_string(job.attempt) + "/" + std::to_string(job.max_attempts),
                 rules::format_time(job.created_at), error});
    }
    left -= static_cast<int>(page->items.size());
    filter->cursor = page->next_cursor;
  } while (left > 0 && !filter->cursor.empty());
  if (!as_json) std::cout << table.text();
  if (!filter->cursor.empty() && !arguments.quiet()) {
    std::cerr << "more: --cursor " << filter->cursor << '\n';
  }
  return 0;
}

using OnOne = Result<void> (Client::*)(const JobId&);
using OnMany = Result<Changed> (Client::*)(const Filter&);

// What a filter means right now, without changing it.
int count_matching(const Arguments& arguments, Client& client, Filter filter) {
  std::int64_t count = 0;
  filter.limit = 1000;
  do {
    auto page = client.list(filter);
    if (!page) return fail(arguments, page.error());
    count += static_cast<std::int64_t>(page->items.size());
    filter.cursor = page->next_cursor;
  } while (!filter.cursor.empty());
  std::cout << count << " jobs match\n";
  return 0;
}

int change(const Arguments& arguments, const std::string& verb, OnOne on_one, OnMany on_many) {
  const bool by_filter = has_filter(arguments);
  if (by_filter != arguments.words().empty()) {
    return fail(arguments, {Errc::invalid, "job " + verb +
                                               " takes ids, or a filter such as --state "
                                               "failed, one of the two"});
  }
  if (!by_filter) {
    return each_id(arguments, Access::write, [&](Client& client, const JobId& id) -> Result<void> {
      auto done = (client.*on_one)(id);
      if (done && !arguments.quiet()) std::cout << id.text << ' ' << verb << " done\n";
      return done;
    });
  }
  auto filter = read_filter_flags(arguments);
  if (!filter) return fail(arguments, filter.error());
  auto client = connect(arguments, Access::write);
  if (!client) return fail(arguments, client.error());
  if (arguments.has("--dry-run")) return count_matching(arguments, *client, *filter);
  if (!confirmed(arguments, "Really " + verb + " all jobs that match?")) return 2;
  std::int64_t changed = 0;
  do {
    auto step = (*client.*on_many)(*filter);
    if (!step) return fail(arguments, step.error());
    changed += step->changed;
    filter->cursor = step->next_cursor;
  } while (!filter->cursor.empty());
  if (arguments.json()) {
    std::cout << "{\"changed\":" << changed << "}\n";
  } else {
    std::cout << changed << " jobs changed\n";
  }
  return 0;
}

Command changing(const std::string& verb, const std::string& summary, OnOne on_one,
                 OnMany on_many) {
  Command command{
      .name = "job " + verb,
      .summary = summary,
      .flags = filter_flags(),
      .words = "ID...",
      .run = [=](const Arguments& arguments) { return change(arguments, verb, on_one, on_many); }};
  command.flags.push_back({"--dry-run", "", "with a filter: only count what matches"});
  command.flags.push_back({"--yes", "", "with a filter: do not ask"});
  return command;
}

}  // namespace

std::vector<Command> job_commands() {
  std::vector<Command> commands = {
      {.name = "job show", .summary = "All that is known of a job", .words = "ID...", .run = show},
      {.name = "job result",
       .summary = "The result of an ended job",
       .words = "ID...",
       .run = result},
      {.name = "job wait",
       .summary = "Wait for the end of a job and print its result",
       .flags = {{"--timeout", "30s", "give up after this"}},
       .words = "ID...",
       .run = wait},
      {.name = "job logs", .summary = "The log lines of a job", .words = "ID...", .run = logs},
      {.name = "job explain",
       .summary = "Why a job does not run",
       .words = "ID...",
       .run = explain},
  };
  Command listing{
      .name = "job list", .summary = "Jobs, newest first", .flags = filter_flags(), .run = list};
  listing.flags.push_back({"--limit", "N", "at most so many (20)"});
  listing.flags.push_back({"--cursor", "CURSOR", "go on where a page ended"});
  commands.push_back(std::move(listing));
  commands.push_back(
      changing("cancel", "Cancel jobs that have not ended", &Client::cancel, &Client::cancel));
  commands.push_back(
      changing("retry", "Run failed or cancelled jobs again", &Client::retry, &Client::retry));
  commands.push_back(
      changing("promote", "Make scheduled jobs ready now", &Client::promote, &Client::promote));
  commands.push_back(
      changing("remove", "Forget jobs that do not run", &Client::remove, &Client::remove));
  return commands;
}

}  // namespace penstock::cli
