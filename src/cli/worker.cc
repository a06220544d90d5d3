// SPDX-License-Identifier: MIT
#include "cli/builtin_tasks.h"
#include "cli/commands.h"
#include "cli/connect.h"
#include "cli/log_sink.h"
#include "cli/settings.h"
#include "cli/signals.h"
#include "rules/job_state.h"
#include "rules/name.h"

#include <penstock/log.h>

#include <charconv>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <mutex>
#include <sstream>

#include <unistd.h>

namespace penstock::cli {
namespace {

// "a,b=3" -> a with weight 1, b with weight 3.
Result<std::vector<QueueWeight>> read_queues(const std::vector<std::string>& lists) {
  std::vector<QueueWeight> queues;
  for (const std::string& list : lists) {
    std::istringstream words(list);
    for (std::string one; std::getline(words, one, ',');) {
      const auto equals = one.find('=');
      QueueWeight queue{.queue = one.substr(0, equals)};
      if (equals != std::string::npos) {
        const char* const end = one.data() + one.size();
        const auto [read_to, error] = std::from_chars(one.data() + equals + 1, end, queue.weight);
        if (error != std::errc{} || read_to != end) {
          return Error{Errc::invalid, "-q \"" + one + "\": write QUEUE or QUEUE=WEIGHT"};
        }
      }
      queues.push_back(std::move(queue));
    }
  }
  return queues;
}

Result<Keep> read_keep(const Arguments& arguments, std::string_view state) {
  Keep keep;
  const std::string flag = "--keep-" + std::string(state);
  auto age = duration_flag(arguments, flag + "-age");
  if (!age) return std::move(age).error();
  keep.age = age->value_or(keep.age);
  keep.count = std::atoll(arguments.text(flag + "-count").c_str());
  keep.bytes = std::atoll(arguments.text(flag + "-bytes").c_str());
  return keep;
}

Result<WorkerOptions> read_options(const Arguments& arguments) {
  WorkerOptions options;
  auto lists = arguments.all("--queues");
  auto queues = read_queues(lists);
  if (!queues) return std::move(queues).error();
  options.queues = *std::move(queues);
  for (const std::string& pool : arguments.all("--pool")) options.pools.push_back(pool);
  if (options.pools.empty()) {
    for (const std::string& pool : arguments.all("--pools")) options.pools.push_back(pool);
  }
  auto concurrency = integer_flag(arguments, "--concurrency");
  if (!concurrency) return std::move(concurrency).error();
  options.concurrency = concurrency->value_or(0);
  auto coroutines = integer_flag(arguments, "--coroutines");
  if (!coroutines) return std::move(coroutines).error();
  options.coroutines = coroutines->value_or(options.coroutines);
  auto max_jobs = integer_flag(arguments, "--max-jobs");
  if (!max_jobs) return std::move(max_jobs).error();
  options.lifetime.max_jobs = max_jobs->value_or(0);
  if (options.lifetime.max_jobs < 0) {
    return Error{Errc::invalid, "--max-jobs is negative: use 1 or more, or 0 for no limit"};
  }
  auto grace = duration_flag(arguments, "--grace");
  if (!grace) return std::move(grace).error();
  options.grace = grace->value_or(options.grace);
  options.lifetime.burst = arguments.has("--burst");
  options.name = arguments.text("--name");
  auto succeeded = read_keep(arguments, rules::to_text(JobState::succeeded));
  if (!succeeded) return std::move(succeeded).error();
  auto failed = read_keep(arguments, rules::to_text(JobState::failed));
  if (!failed) return std::move(failed).error();
  options.retention = {.succeeded = *succeeded, .failed = *failed};
  return options;
}

int run_one_process(const Arguments& arguments, const Tasks& tasks, WorkerOptions options) {
  const std::string index = arguments.text("--index");
  const std::string prefix = index.empty() ? "" : "[WORKER-" + index + "] ";
  // Signals are blocked before the first thread starts, so that every thread inherits that.
  Worker* target = nullptr;
  std::mutex mutex;  // Guards `target`.
  SignalThread signals([&](int number) {
    const std::lock_guard lock(mutex);
    if (number == SIGHUP) reopen_log();
    if (!target) {
      if (number == SIGTERM || number == SIGINT) std::_Exit(0);
      return;
    }
    if (number == SIGTERM || number == SIGINT) target->stop();
    if (number == SIGTSTP) target->quiet(true);
    if (number == SIGCONT) target->quiet(false);
    if (number == SIGTTIN) {
      const auto lines = target->slots();
      log(LogLevel::info, prefix + std::to_string(lines.size()) + " slots busy");
      for (const std::string& line : lines) log(LogLevel::info, prefix + "running " + line);
    }
  });
  auto worker = Worker::open(arguments.store(), tasks, std::move(options));
  if (!worker) {
    signals.end();
    return fail(arguments, worker.error());
  }
  {
    const std::lock_guard lock(mutex);
    target = &*worker;
  }
  log(LogLevel::info,
      prefix + "worker " + worker->name() + " started (PID: " + std::to_string(getpid()) + ")");
  const auto outcome = worker->run();
  const WorkerStats stats = worker->stats();
  log(LogLevel::info, prefix + "worker " + worker->name() +
                          " ended: " + std::to_string(stats.tasks_processed) + " jobs, " +
                          std::to_string(stats.tasks_failed) + " failed");
  if (!outcome) log(LogLevel::error, prefix + outcome.error().message);
  // A handler that ignores its stop token may still run; waiting for it would hang the exit.
  std::fflush(nullptr);
  std::_Exit(outcome ? 0 : 1);
}

int run_supervised(const Arguments& arguments, const WorkerOptions& options, int processes) {
  SupervisorOptions supervised{
      .store = arguments.store(),
      .command = {arguments.program(), "worker", "--processes", "1", "--index", "{index}"},
      .processes = processes,
      .grace = options.grace};
  // Not as a flag: everybody sees the arguments of a process, and a URL may hold a password.
  setenv("PENSTOCK_STORE", arguments.store().c_str(), 1);
  const auto pass = [&](std::string_view flag) {
    for (const std::string& value : arguments.all(flag)) {
      supervised.command.push_back(std::string(flag));
      supervised.command.push_back(value);
    }
  };
  for (const char* flag : {"--queues", "--pool", "--concurrency", "--coroutines", "--max-jobs",
                           "--grace", "--config", "--log-level", "--log-format", "--log-file"}) {
    pass(flag);
  }
  if (!options.name.empty()) {
    supervised.command.insert(supervised.command.end(), {"--name-prefix", options.name});
  }
  for (const char* flag : {"--burst", "--builtin-tasks", "--quiet", "--require-safe-store"}) {
    if (arguments.has(flag)) supervised.command.push_back(flag);
  }
  auto supervisor = Supervisor::open(std::move(supervised));
  if (!supervisor) return fail(arguments, supervisor.error());
  std::stop_source stop;
  SignalThread signals([&](int number) {
    const bool again = stop.stop_requested();
    if (number == SIGTERM || number == SIGINT) {
      if (again) supervisor->signal(SIGTERM);
      stop.request_stop();
    } else {
      if (number == SIGHUP) reopen_log();
      supervisor->signal(number);
    }
  });
  const auto outcome = supervisor->run(stop.get_token());
  signals.end();
  if (!outcome) return fail(arguments, outcome.error());
  return 0;
}

int run_worker(const Arguments& arguments, const App& app) {
  Tasks tasks = app.tasks();
  if (arguments.has("--builtin-tasks")) add_builtin_tasks(tasks);
  if (arguments.has("--list-tasks")) {
    for (const Tasks::Task& task : tasks.all()) std::cout << task.name << '\n';
    return 0;
  }
  auto options = read_options(arguments);
  if (!options) return fail(arguments, options.error());
  auto processes = integer_flag(arguments, "--processes");
  if (!processes) return fail(arguments, processes.error());
  if (!arguments.quiet() && arguments.text("--index").empty()) {
    std::cerr << "store: " << rules::without_password(arguments.store()) << " (from "
              << arguments.origin("--store") << ")\n";
  }
  if (arguments.has("--require-safe-store")) {
    // A client is asked, because it knows how to refuse; children of a supervisor ask for
    // themselves.
    if (auto safe = connect(arguments, Access::read); !safe) return fail(arguments, safe.error());
  }
  const int count = processes->value_or(1);
  if (count != 1) return run_supervised(arguments, *options, count);
  if (const std::string prefix = arguments.text("--name-prefix"); !prefix.empty()) {
    options->name = prefix + "-" + arguments.text("--index");
  }
  return run_one_process(arguments, tasks, *std::move(options));
}

}  // namespace

Command worker_command(const App& app) {
  return {.name = "worker",
          .summary = "Run jobs until SIGTERM",
          .flags = {{"-q,--queues", "a,b=3", "queues, with weights (default)", true},
                    {"-c,--concurrency", "N", "jobs at the same time (one a core)"},
                    {"--coroutines", "N", "coroutines in flight, beside these (10000)"},
                    {"-n,--name", "ID", "worker id (HOST-PID)"},
                    {"--pool", "NAME", "only jobs of this pool; may be repeated", true},
                    {"--processes", "N", "worker processes under one supervisor (1)"},
                    {"--max-jobs", "N", "end after so many jobs"},
                    {"--burst", "", "end when nothing is ready"},
                    {"--grace", "30s", "how long SIGTERM waits for running jobs"},
                    {"--list-tasks", "", "print the names of the tasks and exit"},
                    {"--builtin-tasks", "", "offer noop, echo, sleep, fail and crash too"},
                    {"--index", "N", "number among its siblings, set by the supervisor"},
                    {"--name-prefix", "ID", "id without the number, set by the supervisor"}},
          .run = [&app](const Arguments& arguments) { return run_worker(arguments, app); }};
}

}  // namespace penstock::cli
