// SPDX-License-Identifier: MIT
#include "cli/builtin_tasks.h"
#include "cli/commands.h"
#include "cli/connect.h"
#include "cli/fleet.h"
#include "cli/flow_file.h"
#include "cli/log_sink.h"
#include "cli/settings.h"
#include "cli/signals.h"
#include "cli/task_tables.h"
#include "http/metrics_server.h"
#include "rules/byte_size.h"
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

// Megabytes, or an amount with its unit; 0 for no limit.
Result<std::int64_t> read_max_rss(const Arguments& arguments) {
  const std::string text = arguments.text("--max-rss");
  if (text == "0") return std::int64_t{0};
  const bool bare = text.find_first_not_of("0123456789") == std::string::npos;
  auto bytes = rules::parse_bytes(bare ? text + "MB" : text);
  if (!bytes) return Error{Errc::invalid, "--max-rss: " + bytes.error().message};
  return bytes;
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
  auto max_rss = read_max_rss(arguments);
  if (!max_rss) return std::move(max_rss).error();
  options.lifetime.max_rss_bytes = *max_rss;
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
  auto runs = duration_flag(arguments, "--keep-runs-age");
  if (!runs) return std::move(runs).error();
  auto most = rules::parse_bytes(arguments.text("--spill-max"));
  if (!most) return Error{Errc::invalid, "--spill-max: " + most.error().message};
  options.retention = {.succeeded = *succeeded,
                       .failed = *failed,
                       .spill = {.folder = arguments.text("--spill"), .max_bytes = *most},
                       .runs = runs->value_or(options.retention.runs)};
  return options;
}

// Where process `index` of `count` shows its counters. Each of several has its own port: the one
// that was named and those behind it, or any free one.
Result<std::optional<http::ListenAddress>> metrics_address(const Arguments& arguments, int index,
                                                           int count) {
  const std::string named = arguments.text("--metrics");
  if (named.empty()) return std::optional<http::ListenAddress>();
  auto address = http::ListenAddress::parse(named);
  if (!address) return Error{address.error().code, "--metrics: " + address.error().message};
  if (!address->is_loopback() && !arguments.has("--allow-anonymous")) {
    return Error{Errc::denied, "--metrics " + named +
                                   " is for every machine that reaches it, and "
                                   "has no password: add --allow-anonymous, or use 127.0.0.1"};
  }
  if (address->port == 0) return std::optional(*std::move(address));
  constexpr int last_port = 65'535;
  if (address->port + std::max(count, 1) - 1 > last_port) {
    return Error{Errc::invalid, "--metrics " + named + " leaves no port for each of " +
                                    std::to_string(count) + " processes: use a smaller one"};
  }
  address->shared = index > 0;
  address->port = static_cast<unsigned short>(address->port + std::max(index, 1) - 1);
  return std::optional(*std::move(address));
}

Result<std::optional<http::MetricsServer>> serve_metrics(const Arguments& arguments,
                                                         const Worker& worker) {
  const int index = std::atoi(arguments.text("--index").c_str());
  auto address = metrics_address(arguments, index, index);
  if (!address) return std::move(address).error();
  if (!*address) return std::optional<http::MetricsServer>();
  auto server = http::MetricsServer::open(**address, [&worker] { return worker.metrics(); });
  if (!server) return std::move(server).error();
  log(LogLevel::info,
      "metrics: http://" + (*address)->host + ":" + std::to_string(server->port()) + "/metrics");
  return std::optional<http::MetricsServer>(*std::move(server));
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
  auto metrics = worker ? serve_metrics(arguments, *worker) : std::move(worker).error();
  if (!metrics) {
    signals.end();
    return fail(arguments, metrics.error());
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

int run_worker(const Arguments& arguments, const App& app) {
  Tasks tasks = app.tasks();
  if (arguments.has("--builtin-tasks")) add_builtin_tasks(tasks);
  auto options = read_options(arguments);
  if (!options) return fail(arguments, options.error());
  // Whoever names queues wants these and no others.
  const bool own_queues = arguments.origin("--queues") != "default";
  auto* const queues = own_queues ? nullptr : &options->queues;
  if (auto ok = add_task_tables(arguments, tasks, queues); !ok) return fail(arguments, ok.error());
  auto flows = add_flow_files(arguments, tasks);
  if (!flows) return fail(arguments, flows.error());
  if (queues) add_flow_queues(*flows, tasks, *queues);
  if (arguments.has("--list-tasks")) {
    for (const Tasks::Task& task : tasks.all()) std::cout << task.name << '\n';
    return 0;
  }
  auto processes = integer_flag(arguments, "--processes");
  if (!processes) return fail(arguments, processes.error());
  if (!arguments.quiet() && arguments.text("--index").empty()) {
    std::cerr << "store: " << rules::without_password(arguments.store()) << " (from "
              << arguments.origin("--store") << ")\n";
    for (const std::string& nodes : unserved_nodes(*flows, tasks, *options)) {
      std::cerr << "not done here: " << nodes << '\n';
    }
  }
  if (arguments.has("--require-safe-store")) {
    // A client is asked, because it knows how to refuse; children of a supervisor ask for
    // themselves.
    if (auto safe = connect(arguments, Access::read); !safe) return fail(arguments, safe.error());
  }
  const int count = processes->value_or(1);
  // Only somebody else can replace a process that is to run other code.
  if (count != 1 || arguments.has("--reload")) {
    if (auto ok = check_fleet(arguments, count); !ok) return fail(arguments, ok.error());
    return run_fleet(arguments, {.processes = count, .grace = options->grace});
  }
  if (const std::string prefix = arguments.text("--name-prefix"); !prefix.empty()) {
    options->name = prefix + "-" + arguments.text("--index");
  }
  return run_one_process(arguments, tasks, *std::move(options));
}

}  // namespace

Result<void> check_fleet(const Arguments& arguments, int count) {
  auto options = read_options(arguments);
  if (!options) return std::move(options).error();
  if (!options->name.empty()) options->name += "-" + std::to_string(count);
  Tasks programs;
  if (auto ok = add_task_tables(arguments, programs, nullptr); !ok) return ok;
  if (auto ok = add_flow_files(arguments, programs); !ok) return std::move(ok).error();
  if (auto ok = Worker::check(programs, *options); !ok) return ok;
  if (auto address = metrics_address(arguments, 0, count); !address) {
    return std::move(address).error();
  }
  return {};
}

std::vector<Flag> worker_flags() {
  return {
      {"-q,--queues", "a,b=3", "queues, with weights (default)", true},
      {"-c,--concurrency", "N", "jobs at the same time (one a core)"},
      {"--coroutines", "N", "coroutines in flight, beside these (10000)"},
      {"-n,--name", "ID", "worker id (HOST-PID)"},
      {"--pool", "NAME", "only jobs of this pool; may be repeated", true},
      {"--processes", "N", "worker processes under one supervisor (1)"},
      {"--max-jobs", "N", "end after so many jobs; a supervisor starts another"},
      {"--max-rss", "MB", "the same when it holds so much memory"},
      {"--reload", "", "start anew when the programs change (for development)"},
      {"--burst", "", "end when nothing is ready"},
      {"--grace", "30s", "how long SIGTERM waits for running jobs"},
      {"--exec", "NAME=CMD", "run a program as a task; may be repeated", true},
      {"--flow", "FILE", "offer a flow in YAML and its programs; may be repeated", true},
      {"--persistent", "", "the programs of --exec stay and take job after job"},
      {"--store-access", "", "programs are given the store's URL with its password"},
      {"--spill", "DIR", "write results over 1 MiB to files there"},
      {"--spill-max", "SIZE", "no result is larger than this (256MiB)"},
      {"--metrics", "ADDR", "show counters to Prometheus: PORT or ADDRESS:PORT"},
      {"--allow-anonymous", "", "there also to other machines, without a password"},
      {"--list-tasks", "", "print the names of the tasks and exit"},
      {"--builtin-tasks", "", "offer noop, echo, sleep, fail and crash, as penstock does anyway"},
      {"--index", "N", "number among its siblings, set by the supervisor"},
      {"--name-prefix", "ID", "id without the number, set by the supervisor"}};
}

Command worker_command(const App& app) {
  return {.name = "worker",
          .summary = "Run jobs until SIGTERM",
          .flags = worker_flags(),
          .run = [&app](const Arguments& arguments) { return run_worker(arguments, app); }};
}

}  // namespace penstock::cli
