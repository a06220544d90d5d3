// SPDX-License-Identifier: MIT
//
// Handlers at full CPU on every core, for minutes: does anybody take a busy worker for a dead one?
//
//   bench_soak [--store URL] [--minutes 10] [--workers 2] [--concurrency N]
//
// Worker processes run jobs that compute for two seconds each, on all cores together; at the end
// the program prints how many sessions were lost and how often a living one was taken for dead.
// Exit code 1 when it was not zero, or when a job crashed.
#include "bench/stage.h"

#include <penstock/json.h>

#include <thread>

namespace {

using namespace penstock;
using namespace penstock::bench;

constexpr Duration burn_time{2000};

Tasks tasks_of_workers() {
  Tasks tasks;
  tasks.add("burn", [](const json&, JobContext& context) {
    const SteadyTime end = real_clock().steady() + burn_time;
    std::uint64_t sum = 1;
    while (real_clock().steady() < end && !context.stop().stop_requested()) {
      for (int i = 0; i < 100'000; ++i) sum = sum * 6364136223846793005ULL + 1442695040888963407ULL;
    }
    return sum;
  });
  return tasks;
}

int run(const std::string& store, int minutes, int workers, int concurrency) {
  auto client = must(Client::open(store));
  std::vector<WorkerProcess> processes;
  for (int i = 0; i < workers; ++i) {
    processes.emplace_back(store,
                           std::vector<std::string>{"--concurrency", std::to_string(concurrency)});
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
    rest(Duration{200});
  }
  const Health health = must(client.health());
  processes.clear();
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
  const CommandLine arguments(argc, argv);
  const int minutes = arguments.number("--minutes", 10, 1, 10'000);
  const int workers = arguments.number("--workers", 2, 1, 1000);
  const int cores = static_cast<int>(std::thread::hardware_concurrency());
  const int concurrency =
      arguments.number("--concurrency", std::max(1, cores / workers), 1, 10'000);
  if (arguments.has("--work")) {
    work(arguments, tasks_of_workers(), {.concurrency = concurrency});
  }
  const TemporaryStore store(arguments.text("--store"));
  return run(store.url(), minutes, workers, concurrency);
}
