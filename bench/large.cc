// SPDX-License-Identifier: MIT
//
// Do large payloads and results slow the small jobs beside them? A large one lies in a record of
// its own, so that what hands out and ends small jobs does not have to carry it.
//
//   bench_large [--store URL] [--small 20000] [--bytes 262144] [--rate 20] [--lying 0]
//   [--elsewhere]
//
// Small jobs of 100 bytes are worked off by one worker process with two slots: alone, and while a
// second process works off jobs whose payload and result are so many --bytes, offered at --rate MiB
// a second in another queue; or, with --lying, while so many of them lie in the store, half of them
// ready and half of them ended. Printed: small jobs a second before, beside and after, and the
// ratio. The large jobs also cost their own time on the machine: with --elsewhere they go to
// another store, an SQLite file, and what is seen is that time alone; with --rate 0 it shows how
// much equal passes differ.
#include "bench/stage.h"

#include <algorithm>
#include <atomic>
#include <thread>

namespace {

using namespace penstock;
using namespace penstock::bench;

struct Settings {
  int small, bytes, rate, lying;
};

Tasks tasks_of_workers() {
  Tasks tasks;
  tasks.add_raw("same", [](std::string_view payload, JobContext&) { return std::string(payload); });
  return tasks;
}

JobSpec job_of(int bytes, const char* queue) {
  JobSpec spec{.task = "same",
               .payload = '"' + std::string(static_cast<std::size_t>(bytes) - 2, 'x') + '"'};
  spec.options.queue = queue;
  return spec;
}

// Jobs a second, from a full queue to an empty one.
double drain_small(Client& client, const Settings& settings) {
  must(client.pause("small"));
  const std::vector<JobSpec> batch(250, job_of(100, "small"));
  for (int done = 0; done < settings.small; done += 250) must(client.submit(batch));
  const SteadyTime start = real_clock().steady();
  must(client.resume("small"));
  wait_until_empty(client, "small");
  return settings.small / seconds_since(start);
}

// Large jobs at a steady rate, as long as it lives.
class Offering {
 public:
  Offering(const std::string& store, const Settings& settings)
      : thread_([this, &store, &settings] { offer(store, settings); }) {}
  ~Offering() { over_ = true; }

 private:
  void offer(const std::string& store, const Settings& settings) {
    auto client = must(Client::open(store));
    const JobSpec spec = job_of(settings.bytes, "large");
    const SteadyTime start = real_clock().steady();
    double offered_mib = 0;
    while (!over_) {
      if (offered_mib < seconds_since(start) * settings.rate) {
        must(client.submit(spec));
        offered_mib += settings.bytes / 1048576.0;
      } else {
        rest(Duration{1});
      }
    }
  }

  std::atomic<bool> over_{false};
  std::jthread thread_;
};

void lay_down(Client& client, const Settings& settings) {
  must(client.pause("lying"));
  for (int i = 0; i < settings.lying; ++i) {
    must(client.submit(job_of(settings.bytes, i % 2 == 0 ? "lying" : "large")));
  }
  wait_until_empty(client, "large");
}

void measure(const Settings& settings, const std::string& store, const std::string& of_large) {
  auto client = must(Client::open(store));
  auto client_of_large = must(Client::open(of_large));
  const WorkerProcess small(store, {"--queue", "small"}), large(of_large, {"--queue", "large"});
  drain_small(client, settings);  // Warm-up.
  const double before = drain_small(client, settings);
  double beside = 0, after = 0;
  if (settings.lying > 0) {
    lay_down(client_of_large, settings);
    beside = drain_small(client, settings);
    after = before;  // They still lie there.
  } else {
    {
      const Offering offering(of_large, settings);
      beside = drain_small(client, settings);
    }
    wait_until_empty(client_of_large, "large");
    after = drain_small(client, settings);
  }
  std::printf(
      "%d small jobs of 100 bytes on %s: alone %.0f and %.0f /s; beside jobs of %d bytes each way, "
      "%d MiB/s offered, %d lying there: %.0f /s; ratio %.2f\n",
      settings.small, client.store_name().c_str(), before, after, settings.bytes, settings.rate,
      settings.lying, beside, 2 * beside / (before + after));
}

}  // namespace

int main(int argc, char** argv) {
  const CommandLine arguments(argc, argv);
  if (arguments.has("--work")) {
    work(arguments, tasks_of_workers(),
         {.queues = {{.queue = arguments.text("--queue")}}, .concurrency = 2});
  }
  const Settings settings{.small = arguments.number("--small", 20'000, 250, 1'000'000),
                          .bytes = arguments.number("--bytes", 256 << 10, 3, 1 << 20),
                          .rate = arguments.number("--rate", 20, 0, 1000),
                          .lying = arguments.number("--lying", 0, 0, 100'000)};
  const TemporaryStore store(arguments.text("--store"));
  const TemporaryStore another("");
  measure(settings, store.url(), (arguments.has("--elsewhere") ? another : store).url());
  return 0;
}
