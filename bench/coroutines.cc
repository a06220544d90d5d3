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
#include <penstock/async.h>
#include <penstock/json.h>
#include <penstock/penstock.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>
#include <csignal>

namespace {

using namespace penstock;

struct Settings {
  std::string store;
  int jobs = 10'000, sleep_ms = 3000;
};

template <class T>
T must(Result<T> result) {
  if (result) return *std::move(result);
  std::fprintf(stderr, "bench: %s\n", result.error().message.c_str());
  std::exit(1);
}

int work(const Settings& settings) {
  Tasks tasks;
  tasks.add("sleep", [](int ms, AsyncContext context) -> Awaitable<int> {
    co_await context.wait_for(Duration{ms});
    co_return ms;
  });
  auto worker =
      must(Worker::open(settings.store, tasks, {.concurrency = 1, .coroutines = settings.jobs}));
  const auto ended = worker.run();
  std::_Exit(ended ? 0 : 1);
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

void rest(int ms) { real_clock().wait_until(real_clock().steady() + Duration{ms}, {}); }

int measure(const Settings& settings, pid_t worker) {
  auto client = must(Client::open(settings.store));
  while (running_now(client) < 0) rest(20);
  rest(500);
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
    rest(50);
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
    if (word == "--jobs") settings.jobs = std::clamp(std::atoi(value), 1, 100'000);
    if (word == "--sleep") settings.sleep_ms = std::clamp(std::atoi(value), 1, 60'000);
  }
  if (is_worker) return work(settings);
  std::filesystem::path folder;
  if (settings.store.empty()) {
    char name[] = "/tmp/penstock-coroutines-XXXXXX";
    if (!mkdtemp(name)) return 1;
    folder = name;
    settings.store = "sqlite:" + (folder / "jobs.db").string();
  }
  const pid_t worker = fork();
  if (worker == 0) {
    const std::string jobs = std::to_string(settings.jobs);
    execl(argv[0], argv[0], "--work", "--store", settings.store.c_str(), "--jobs", jobs.c_str(),
          static_cast<char*>(nullptr));
    _exit(127);
  }
  const int code = measure(settings, worker);
  kill(worker, SIGTERM);
  waitpid(worker, nullptr, 0);
  if (!folder.empty()) std::filesystem::remove_all(folder);
  return code;
}
