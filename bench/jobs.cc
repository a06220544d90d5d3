// SPDX-License-Identifier: MIT
//
// Jobs end to end on a store: one producer process submits no-op jobs of 100 bytes, worker
// processes run them, the producer waits for the last. Prints its method and its figures:
//
//   bench_jobs [--store URL] [--jobs 100000] [--workers 1] [--concurrency 2] [--batch 250]
//
// Figures: bulk submit, drain (work that was there before the workers started), both at the same
// time, one submit at a time, and submit -> handler start when idle (p50, p99).
#include <penstock/penstock.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>
#include <csignal>

namespace {

using namespace penstock;

struct Settings {
  std::string store;
  int jobs = 100'000, workers = 1, concurrency = 2, batch = 250;
};

double seconds_since(SteadyTime start) {
  return static_cast<double>((real_clock().steady() - start).count()) / 1e9;
}

// Every result is checked: a benchmark that goes on after an error measures nothing.
template <class T>
T must(Result<T> result) {
  if (result) return *std::move(result);
  std::fprintf(stderr, "bench: %s\n", result.error().message.c_str());
  std::exit(1);
}

int work(const Settings& settings) {
  Tasks tasks;
  tasks.add_raw("noop", [](std::string_view, JobContext&) { return std::string("null"); });
  // Answers with the time at which it started, in ns of the machine's monotonic clock.
  tasks.add_raw("started", [](std::string_view, JobContext&) {
    return std::to_string(real_clock().steady().time_since_epoch().count());
  });
  auto worker = must(Worker::open(settings.store, tasks, {.concurrency = settings.concurrency}));
  const auto ended = worker.run();
  std::_Exit(ended ? 0 : 1);
}

std::vector<pid_t> start_workers(const Settings& settings, const char* program) {
  std::vector<pid_t> pids;
  for (int i = 0; i < settings.workers; ++i) {
    const pid_t pid = fork();
    if (pid == 0) {
      const std::string concurrency = std::to_string(settings.concurrency);
      execl(program, program, "--work", "--store", settings.store.c_str(), "--concurrency",
            concurrency.c_str(), static_cast<char*>(nullptr));
      _exit(127);
    }
    pids.push_back(pid);
  }
  return pids;
}

void end_workers(const std::vector<pid_t>& pids) {
  for (const pid_t pid : pids) kill(pid, SIGTERM);
  for (const pid_t pid : pids) waitpid(pid, nullptr, 0);
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

// FIFO: but several slots may end out of order, so the counters have the last word.
void wait_for_all(Client& client) {
  while (true) {
    std::int64_t left = 0;
    for (const Queue& queue : must(client.queues())) left += queue.ready + queue.running;
    if (left == 0) return;
    real_clock().wait_until(real_clock().steady() + Duration{2}, {});
  }
}

void report(const char* what, int jobs, double seconds) {
  std::printf("%-44s %10.0f /s\n", what, jobs / seconds);
}

void measure_throughput(Client& client, const Settings& settings, const char* program) {
  auto start = real_clock().steady();
  submit_all(client, settings.jobs, settings.batch);
  report("submit in bulk, nobody working", settings.jobs, seconds_since(start));
  start = real_clock().steady();
  auto workers = start_workers(settings, program);
  wait_for_all(client);
  report("drain, with process start", settings.jobs, seconds_since(start));
  start = real_clock().steady();
  submit_all(client, settings.jobs, settings.batch);
  wait_for_all(client);
  report("end to end, submitting and working", settings.jobs, seconds_since(start));
  end_workers(workers);
  const int singles = std::min(settings.jobs, 5000);
  start = real_clock().steady();
  for (int i = 0; i < singles; ++i) submit_all(client, 1, 1);
  report("submit one at a time", singles, seconds_since(start));
}

void measure_latency(Client& client, const Settings& settings, const char* program) {
  auto workers = start_workers(settings, program);
  wait_for_all(client);
  std::vector<double> ms;
  for (int i = 0; i < 300; ++i) {
    real_clock().wait_until(real_clock().steady() + Duration{5}, {});
    const auto sent = real_clock().steady();
    const JobId id = must(client.submit(JobSpec{.task = "started"})).id;
    const std::string began = must(client.wait_text(id, Duration{10'000}));
    ms.push_back((std::strtod(began.c_str(), nullptr) -
                  static_cast<double>(sent.time_since_epoch().count())) /
                 1e6);
  }
  end_workers(workers);
  std::ranges::sort(ms);
  std::printf("%-44s %10.3f ms p50, %.3f ms p99\n", "submit -> handler start, idle",
              ms[ms.size() / 2], ms[ms.size() * 99 / 100]);
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  bool is_worker = false;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--work") {
      is_worker = true;
      continue;
    }
    const char* value = i + 1 < argc ? argv[++i] : "";
    if (word == "--store") settings.store = value;
    if (word == "--jobs") settings.jobs = std::max(1, std::atoi(value));
    if (word == "--workers") settings.workers = std::max(1, std::atoi(value));
    if (word == "--concurrency") settings.concurrency = std::max(1, std::atoi(value));
    if (word == "--batch") settings.batch = std::max(1, std::atoi(value));
  }
  if (is_worker) return work(settings);
  penstock::set_log_level(penstock::LogLevel::error);
  std::filesystem::path folder;
  if (settings.store.empty()) {
    char name[] = "/tmp/penstock-bench-XXXXXX";
    if (!mkdtemp(name)) return 1;
    folder = name;
    settings.store = "sqlite:" + (folder / "jobs.db").string();
  }
  std::printf(
      "method: %d no-op jobs of 100 bytes, results kept, events written; submits of %d; %d "
      "worker process(es) x %d slots; store %s\n",
      settings.jobs, settings.batch, settings.workers, settings.concurrency,
      settings.store.c_str());
  {
    auto client = must(Client::open(settings.store));
    measure_throughput(client, settings, argv[0]);
    measure_latency(client, settings, argv[0]);
  }
  if (!folder.empty()) std::filesystem::remove_all(folder);
  return 0;
}
