// SPDX-License-Identifier: MIT
//
// Do large payloads and results slow the small ones beside them? Above 16 KiB they lie in a job's
// own record, so that what hands out and ends small jobs does not have to carry them.
//
//   bench_large [--store URL] [--small 20000] [--kib 256] [--rate 20]
//
// Small jobs of 100 bytes are worked off by one worker process with two slots: alone, and while a
// second process works off jobs whose payload and result are --kib large, offered at --rate MiB a
// second in another queue. Printed: jobs a second of both, and their ratio; the second pass also
// costs the large jobs' own time on the machine, so with --rate 0 the program shows how much two
// equal passes differ.
#include <penstock/penstock.h>

#include <algorithm>
#include <atomic>
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

struct Settings {
  std::string store;
  int small = 20'000, kib = 256, rate = 20;
};

template <class T>
T must(Result<T> result) {
  if (result) return *std::move(result);
  std::fprintf(stderr, "bench: %s\n", result.error().message.c_str());
  std::exit(1);
}
void must(const Result<void>& result) {
  if (result) return;
  std::fprintf(stderr, "bench: %s\n", result.error().message.c_str());
  std::exit(1);
}

int work(const Settings& settings, const std::string& queue) {
  Tasks tasks;
  tasks.add_raw("same", [](std::string_view payload, JobContext&) { return std::string(payload); });
  auto worker =
      must(Worker::open(settings.store, tasks, {.queues = {{.queue = queue}}, .concurrency = 2}));
  const auto ended = worker.run();
  std::_Exit(ended ? 0 : 1);
}

pid_t start_worker(const Settings& settings, const char* program, const char* queue) {
  const pid_t pid = fork();
  if (pid != 0) return pid;
  execl(program, program, "--work", queue, "--store", settings.store.c_str(),
        static_cast<char*>(nullptr));
  _exit(127);
}

JobSpec job_of(std::size_t bytes, const char* queue) {
  JobSpec spec{.task = "same", .payload = '"' + std::string(bytes - 2, 'x') + '"'};
  spec.options.queue = queue;
  return spec;
}

std::int64_t left(Client& client, const std::string& queue) {
  for (const Queue& one : must(client.queues())) {
    if (one.queue == queue) return one.ready + one.running + one.scheduled;
  }
  return 0;
}

void rest(int ms) { real_clock().wait_until(real_clock().steady() + Duration{ms}, {}); }

// Jobs a second, from a full queue to an empty one.
double drain_small(Client& client, const Settings& settings) {
  must(client.pause("small"));
  const std::vector<JobSpec> batch(250, job_of(100, "small"));
  for (int done = 0; done < settings.small; done += 250) must(client.submit(batch));
  const SteadyTime start = real_clock().steady();
  must(client.resume("small"));
  while (left(client, "small") > 0) rest(2);
  return settings.small / (static_cast<double>((real_clock().steady() - start).count()) / 1e9);
}

int measure(const Settings& settings, const char* program) {
  auto client = must(Client::open(settings.store));
  const pid_t small = start_worker(settings, program, "small");
  const pid_t large = start_worker(settings, program, "large");
  must(client.submit(job_of(100, "small")));
  while (left(client, "small") > 0) rest(2);
  const double before = drain_small(client, settings);
  std::atomic<bool> over{false};
  std::atomic<int> offered{0};
  std::jthread offering([&] {
    auto other = must(Client::open(settings.store));
    const JobSpec spec = job_of(static_cast<std::size_t>(settings.kib) << 10, "large");
    const SteadyTime start = real_clock().steady();
    while (!over && settings.rate > 0) {
      const double seconds = static_cast<double>((real_clock().steady() - start).count()) / 1e9;
      if (offered * settings.kib / 1024.0 < seconds * settings.rate) {
        must(other.submit(spec));
        ++offered;
      } else {
        rest(1);
      }
    }
  });
  const double beside = drain_small(client, settings);
  over = true;
  offering.join();
  while (left(client, "large") > 0) rest(2);
  const double after = drain_small(client, settings);
  for (const pid_t pid : {small, large}) {
    kill(pid, SIGTERM);
    waitpid(pid, nullptr, 0);
  }
  const double alone = (before + after) / 2;
  std::printf(
      "%d small jobs of 100 bytes on %s: alone %.0f and %.0f /s; beside %d jobs of %d KiB each way "
      "%.0f /s; ratio %.2f\n",
      settings.small, client.store_name().c_str(), before, after, offered.load(), settings.kib,
      beside, beside / alone);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  std::string queue;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string word = argv[i];
    const char* value = argv[i + 1];
    if (word == "--work") queue = value;
    if (word == "--store") settings.store = value;
    if (word == "--small") settings.small = std::clamp(std::atoi(value), 250, 1'000'000);
    if (word == "--kib") settings.kib = std::clamp(std::atoi(value), 1, 1000);
    if (word == "--rate") settings.rate = std::clamp(std::atoi(value), 0, 1000);
  }
  if (!queue.empty()) return work(settings, queue);
  std::filesystem::path folder;
  if (settings.store.empty()) {
    char name[] = "/tmp/penstock-large-XXXXXX";
    if (!mkdtemp(name)) return 1;
    folder = name;
    settings.store = "sqlite:" + (folder / "jobs.db").string();
  }
  const int code = measure(settings, argv[0]);
  if (!folder.empty()) std::filesystem::remove_all(folder);
  return code;
}
