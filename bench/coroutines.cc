// SPDX-License-Identifier: MIT
//
// How many jobs can one worker process have in flight when they only wait, and what does each cost?
//
//   bench_coroutines [--store URL] [--jobs 10000] [--sleep 3000]
//
// A worker process with one slot and as many coroutines as there are jobs takes jobs that sleep for
// so many milliseconds. Printed: the most that were in flight together (by its beats), its resident
// memory idle and at its peak, and the time from the first start to the last end next to the time
// that one sleep takes. Exit code 1 when they were not all in flight together.
#include "bench/stage.h"

#include <penstock/async.h>
#include <penstock/json.h>

#include <algorithm>
#include <fstream>

namespace {

using namespace penstock;
using namespace penstock::bench;

struct Settings {
  int jobs, sleep_ms;
};

Tasks tasks_of_workers() {
  Tasks tasks;
  tasks.add("sleep", [](int ms, AsyncContext context) -> Awaitable<int> {
    co_await context.wait_for(Duration{ms});
    co_return ms;
  });
  return tasks;
}

// A field of /proc/PID/status in KiB: VmRSS, VmHWM.
long status_kib(pid_t pid, const std::string& field) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with(field + ":")) return std::atol(line.c_str() + field.size() + 1);
  }
  return 0;
}

int running_now(Client& client) {
  const auto workers = must(client.workers());
  return workers.empty() ? -1 : workers.front().running;
}

int measure(const Settings& settings, const std::string& store) {
  const WorkerProcess process(store, {"--jobs", std::to_string(settings.jobs)});
  const pid_t worker = process.pid();
  auto client = must(Client::open(store));
  while (running_now(client) < 0) rest(Duration{20});
  rest(Duration{500});
  const long idle = status_kib(worker, "VmRSS");
  JobSpec spec{.task = "sleep"};
  spec.payload = std::to_string(settings.sleep_ms);
  const std::vector<JobSpec> batch(250, spec);
  std::vector<JobId> ids;
  while (static_cast<int>(ids.size()) < settings.jobs) {
    const auto count =
        std::min<std::size_t>(250, static_cast<std::size_t>(settings.jobs) - ids.size());
    for (const Submitted& one : must(client.submit(std::span(batch).first(count)))) {
      ids.push_back(one.id);
    }
  }
  int most = 0;
  while (client.find(ids.back()).value().state != JobState::succeeded) {
    most = std::max(most, running_now(client));
    rest(Duration{50});
  }
  Time first = Time::max(), last{};
  for (const JobId& id : ids) {
    must(client.wait_text(id, Duration{60'000}));
    const Job job = must(client.find(id));
    first = std::min(first, *job.started_at);
    last = std::max(last, *job.finished_at);
  }
  const long peak = status_kib(worker, "VmHWM");
  std::printf(
      "%d jobs that sleep %d ms in one process, coroutines on two threads: %d in flight together; "
      "first start to last end %.2f s (one after the other: %.0f s); resident %ld MiB idle, %ld "
      "MiB at most, %.1f KiB a job\n",
      settings.jobs, settings.sleep_ms, most, static_cast<double>((last - first).count()) / 1e3,
      settings.jobs * (settings.sleep_ms / 1e3), idle / 1024, peak / 1024,
      static_cast<double>(peak - idle) / settings.jobs);
  return most >= settings.jobs ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const CommandLine arguments(argc, argv);
  const Settings settings{.jobs = arguments.number("--jobs", 10'000, 1, 100'000),
                          .sleep_ms = arguments.number("--sleep", 3000, 1, 60'000)};
  if (arguments.has("--work")) {
    work(arguments, tasks_of_workers(), {.concurrency = 1, .coroutines = settings.jobs});
  }
  const TemporaryStore store(arguments.text("--store"));
  return measure(settings, store.url());
}
