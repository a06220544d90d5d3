// SPDX-License-Identifier: MIT
//
// Handlers at full CPU on every core, for minutes: does anybody take a busy worker for a dead one?
//
//   bench_soak [--store URL] [--minutes 10] [--workers 2] [--concurrency N]
//
// Worker processes run jobs that compute for two seconds each, on all cores together; at the end
// the program prints how many sessions were lost and how often a living one was taken for dead.
// Exit code 1 when it was not zero, or when a job crashed.
#include <penstock/json.h>
#include <penstock/penstock.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include <sys/wait.h>
#include <unistd.h>
#include <csignal>

namespace {

using namespace penstock;

constexpr Duration burn_time{2000};

template <class T>
T must(Result<T> result) {
  if (result) return *std::move(result);
  std::fprintf(stderr, "soak: %s\n", result.error().message.c_str());
  std::exit(1);
}

int work(const std::string& store, int concurrency) {
  Tasks tasks;
  tasks.add("burn", [](const json&, JobContext& context) {
    const SteadyTime end = real_clock().steady() + burn_time;
    std::uint64_t sum = 1;
    while (real_clock().steady() < end && !context.stop().stop_requested()) {
      for (int i = 0; i < 100'000; ++i) sum = sum * 6364136223846793005ULL + 1442695040888963407ULL;
    }
    return sum;
  });
  auto worker = must(Worker::open(store, tasks, {.concurrency = concurrency}));
  const auto ended = worker.run();
  std::_Exit(ended ? 0 : 1);
}

int run(const std::string& store, const char* program, int minutes, int workers, int concurrency) {
  auto client = must(Client::open(store));
  std::vector<pid_t> pids;
  for (int i = 0; i < workers; ++i) {
    const pid_t pid = fork();
    if (pid == 0) {
      const std::string slots = std::to_string(concurrency);
      execl(program, program, "--work", "--store", store.c_str(), "--concurrency", slots.c_str(),
            static_cast<char*>(nullptr));
      _exit(127);
    }
    pids.push_back(pid);
  }
  const SteadyTime end = real_clock().steady() + std::chrono::minutes{minutes};
  std::int64_t jobs = 0;
  while (real_clock().steady() < end) {
    // Always a few ahead, so that no slot is ever idle.
    const auto queues = must(client.queues());
    const std::int64_t ready = queues.empty() ? 0 : queues.front().ready;
    for (std::int64_t i = ready; i < 2L * workers * concurrency; ++i, ++jobs) {
      must(client.submit("burn", json()));
    }
    real_clock().wait_until(real_clock().steady() + Duration{200}, {});
  }
  const Health health = must(client.health());
  for (const pid_t pid : pids) kill(pid, SIGTERM);
  for (const pid_t pid : pids) waitpid(pid, nullptr, 0);
  std::int64_t crashed = 0;
  Filter filter{.limit = 1000};
  do {
    const auto page = must(client.list(filter));
    for (const Job& job : page.items) crashed += job.crashes;
    filter.cursor = page.next_cursor;
  } while (!filter.cursor.empty());
  std::printf(
      "%lld jobs of %lld ms at full CPU in %d min on %d x %d slots: %lld sessions lost, %lld "
      "false alarms, %lld crashes counted\n",
      static_cast<long long>(jobs), static_cast<long long>(burn_time.count()), minutes, workers,
      concurrency, static_cast<long long>(health.sessions_lost),
      static_cast<long long>(health.false_alarms), static_cast<long long>(crashed));
  return health.sessions_lost + health.false_alarms + crashed == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  std::string store;
  bool is_worker = false;
  int minutes = 10, workers = 2;
  int concurrency = std::max(1, static_cast<int>(std::thread::hardware_concurrency()) / workers);
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--work") {
      is_worker = true;
      continue;
    }
    const char* value = i + 1 < argc ? argv[++i] : "";
    if (word == "--store") store = value;
    if (word == "--minutes") minutes = std::max(1, std::atoi(value));
    if (word == "--workers") workers = std::max(1, std::atoi(value));
    if (word == "--concurrency") concurrency = std::max(1, std::atoi(value));
  }
  if (is_worker) return work(store, concurrency);
  std::filesystem::path folder;
  if (store.empty()) {
    char name[] = "/tmp/penstock-soak-XXXXXX";
    if (!mkdtemp(name)) return 1;
    folder = name;
    store = "sqlite:" + (folder / "jobs.db").string();
  }
  const int code = run(store, argv[0], minutes, workers, concurrency);
  if (!folder.empty()) std::filesystem::remove_all(folder);
  return code;
}
