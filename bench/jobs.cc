// SPDX-License-Identifier: MIT
//
// Jobs end to end on a store: one producer process submits no-op jobs of 100 bytes, worker
// processes run them, the producer waits for the last. Prints its method and its figures:
//
//   bench_jobs [--store URL] [--jobs 100000] [--workers 1] [--concurrency 2] [--batch 250]
//
// Figures: bulk submit, drain (work that was there before the workers started), both at the same
// time, one submit at a time, and submit -> handler start when idle (p50, p99).
#include "bench/stage.h"

#include <algorithm>
#include <limits>

namespace {

using namespace penstock;
using namespace penstock::bench;

struct Settings {
  int jobs, workers, concurrency, batch;
};

Tasks tasks_of_workers() {
  Tasks tasks;
  tasks.add_raw("noop", [](std::string_view, JobContext&) { return std::string("null"); });
  // Answers with the time at which it started, in ns of the machine's monotonic clock.
  tasks.add_raw("started", [](std::string_view, JobContext&) {
    return std::to_string(real_clock().steady().time_since_epoch().count());
  });
  return tasks;
}

std::vector<WorkerProcess> start_workers(const std::string& store, const Settings& settings) {
  std::vector<WorkerProcess> workers;
  for (int i = 0; i < settings.workers; ++i) {
    workers.emplace_back(
        store, std::vector<std::string>{"--concurrency", std::to_string(settings.concurrency)});
  }
  return workers;
}

JobSpec noop_job() {
  JobSpec job{.task = "noop"};
  job.payload = '"' + std::string(98, 'x') + '"';
  return job;
}

JobId submit_all(Client& client, int count, int batch) {
  JobId last;
  for (int done = 0; done < count;) {
    const std::vector<JobSpec> jobs(static_cast<std::size_t>(std::min(batch, count - done)),
                                    noop_job());
    last = must(client.submit(jobs)).back().id;
    done += static_cast<int>(jobs.size());
  }
  return last;
}

void report(const char* what, int jobs, double seconds) {
  std::printf("%-44s %10.0f /s\n", what, jobs / seconds);
}

void measure_throughput(Client& client, const Settings& settings, const std::string& store) {
  auto start = real_clock().steady();
  submit_all(client, settings.jobs, settings.batch);
  report("submit in bulk, nobody working", settings.jobs, seconds_since(start));
  start = real_clock().steady();
  auto workers = start_workers(store, settings);
  wait_until_empty(client);
  report("drain, with process start", settings.jobs, seconds_since(start));
  start = real_clock().steady();
  submit_all(client, settings.jobs, settings.batch);
  wait_until_empty(client);
  report("end to end, submitting and working", settings.jobs, seconds_since(start));
  workers.clear();
  const int singles = std::min(settings.jobs, 5000);
  start = real_clock().steady();
  for (int i = 0; i < singles; ++i) submit_all(client, 1, 1);
  report("submit one at a time", singles, seconds_since(start));
}

void measure_latency(Client& client, const Settings& settings, const std::string& store) {
  auto workers = start_workers(store, settings);
  wait_until_empty(client);
  std::vector<double> ms;
  for (int i = 0; i < 300; ++i) {
    rest(Duration{5});
    const auto sent = real_clock().steady();
    const JobId id = must(client.submit(JobSpec{.task = "started"})).id;
    const std::string began = must(client.wait_text(id, Duration{10'000}));
    ms.push_back((std::strtod(began.c_str(), nullptr) -
                  static_cast<double>(sent.time_since_epoch().count())) /
                 1e6);
  }
  workers.clear();
  std::ranges::sort(ms);
  std::printf("%-44s %10.3f ms p50, %.3f ms p99\n", "submit -> handler start, idle",
              ms[ms.size() / 2], ms[ms.size() * 99 / 100]);
}

}  // namespace

int main(int argc, char** argv) {
  constexpr int most = std::numeric_limits<int>::max();
  const CommandLine arguments(argc, argv);
  const Settings settings{.jobs = arguments.number("--jobs", 100'000, 1, most),
                          .workers = arguments.number("--workers", 1, 1, most),
                          .concurrency = arguments.number("--concurrency", 2, 1, most),
                          .batch = arguments.number("--batch", 250, 1, most)};
  if (arguments.has("--work")) {
    work(arguments, tasks_of_workers(), {.concurrency = settings.concurrency});
  }
  set_log_level(LogLevel::error);
  const TemporaryStore store(arguments.text("--store"));
  std::printf(
      "method: %d no-op jobs of 100 bytes, results kept, events written; submits of %d; %d "
      "worker process(es) x %d slots; store %s\n",
      settings.jobs, settings.batch, settings.workers, settings.concurrency, store.url().c_str());
  auto client = must(Client::open(store.url()));
  measure_throughput(client, settings, store.url());
  measure_latency(client, settings, store.url());
  return 0;
}
