// SPDX-License-Identifier: MIT
#include "apps/roster/selftest.h"

#include <algorithm>
#include <filesystem>
#include <functional>
#include <iostream>
#include <thread>

#include <stdlib.h>
#include <nlohmann/json.hpp>

#include "apps/roster/samples.h"
#include "apps/roster/solve_task.h"

namespace penstock::roster {
namespace {

constexpr int processes = 2, job_count = 3;
constexpr Duration patience{60'000};

/// What went wrong, as one sentence; caught in run().
struct Failed : std::runtime_error {
  using std::runtime_error::runtime_error;
};

void say(const std::string& line) { std::cout << line << std::endl; }

template <class T>
T need(Result<T> result) {
  if (!result) throw Failed(result.error().message);
  return *std::move(result);
}

/// A folder that goes away with it.
class OwnFolder {
 public:
  OwnFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "penstock-selftest-XXXXXX");
    if (!mkdtemp(name.data())) throw Failed("no folder can be made in the one for temporary files");
    path_ = name;
  }
  ~OwnFolder() {
    std::error_code failed;
    std::filesystem::remove_all(path_, failed);
  }
  OwnFolder(const OwnFolder&) = delete;
  OwnFolder& operator=(const OwnFolder&) = delete;
  [[nodiscard]] std::string store() const { return "sqlite:" + (path_ / "selftest.db").string(); }

 private:
  std::filesystem::path path_;
};

/// Runs `body` beside two worker processes, which end with it.
void beside_workers(const Arguments& arguments, const std::string& store,
                    const std::function<void()>& body) {
  auto supervisor = need(Supervisor::open(
      {.store = store,
       .command = {arguments.program(), "worker", "--store", store, "--index", "{index}",
                   "--processes", "1", "--concurrency", "2", "--log-level", "warning", "--quiet"},
       .processes = processes}));
  std::stop_source ended;
  std::exception_ptr failure;
  std::jthread script([&] {
    try {
      body();
    } catch (const std::exception&) {
      failure = std::current_exception();
    }
    ended.request_stop();
  });
  const auto outcome = supervisor.run(ended.get_token());
  script.join();
  if (failure) std::rethrow_exception(failure);
  if (!outcome) throw Failed(outcome.error().message);
}

std::vector<WorkerRecord> wait_for_workers(Client& client) {
  const SteadyTime give_up = real_clock().steady() + patience;
  std::string seen = need(client.events("", Duration{0})).second;
  while (real_clock().steady() < give_up) {
    auto workers = need(client.workers());
    if (workers.size() == processes) {
      std::ranges::sort(workers, {}, &WorkerRecord::pid);
      return workers;
    }
    seen = need(client.events(seen, Duration{100})).second;
  }
  throw Failed("the worker processes did not come up");
}

std::vector<JobId> submit_all(Client& client) {
  std::vector<JobId> ids;
  for (int i = 0; i < job_count; ++i) {
    ids.push_back(need(client.submit(solve_task, RawJson{std::string(sample_weekdays())})));
    say("  Job " + std::to_string(i + 1) + ": " + ids.back().text);
  }
  return ids;
}

void check_results(Client& client, const std::vector<JobId>& ids) {
  for (std::size_t i = 0; i < ids.size(); ++i) {
    const auto answer = nlohmann::json::parse(need(client.wait_text(ids[i], patience)));
    const std::string status = answer["status"];
    const std::string facts =
        status + ", " + std::to_string(answer["assignments"].size()) + " assignments";
    say("  Job " + std::to_string(i + 1) + ": succeeded, " + facts);
    if (facts != "OPTIMAL, 5 assignments") throw Failed("expected OPTIMAL, 5 assignments");
  }
}

void show_stats(Client& client) {
  std::int64_t waiting = 0, running = 0, failed = 0;
  for (const Queue& queue : need(client.queues())) {
    waiting += queue.ready + queue.scheduled;
    running += queue.running;
    failed += queue.failed;
  }
  const auto kept = need(client.list({.state = JobState::succeeded})).items.size();
  say("  Total jobs: " + std::to_string(need(client.list({})).items.size()));
  say("  Active jobs: " + std::to_string(running));
  say("  Queue length: " + std::to_string(waiting));
  say("  Failed: " + std::to_string(failed));
  say("  Results kept: " + std::to_string(kept));
  if (waiting + running + failed != 0 || kept != job_count) throw Failed("the counts are wrong");
}

void run_jobs(const Arguments& arguments, const std::string& store) {
  beside_workers(arguments, store, [&] {
    auto client = need(Client::open(store));
    say("Starting " + std::to_string(processes) + " worker processes:");
    int number = 0;
    for (const WorkerRecord& worker : wait_for_workers(client)) {
      say("  Worker " + std::to_string(++number) + "/" + std::to_string(processes) +
          " (PID: " + std::to_string(worker.pid) + ")");
    }
    say("Submitting " + std::to_string(job_count) + " jobs:");
    const auto ids = submit_all(client);
    say("Waiting for the results:");
    check_results(client, ids);
    say("Final stats:");
    show_stats(client);
  });
}

void run_persistence(const Arguments& arguments, const std::string& store) {
  std::vector<JobId> ids;
  {
    auto client = need(Client::open(store));
    say("Testing persistence: " + std::to_string(job_count) + " jobs while no worker runs:");
    ids = submit_all(client);
  }
  say("  Closing the store and opening it again");
  auto client = need(Client::open(store));
  for (const JobId& id : ids) {
    const Job job = need(client.find(id));
    if (job.state != JobState::ready) throw Failed("job " + id.text + " is not queued any more");
    say("  Job " + id.text + " is still there (status: queued)");
  }
  say("  Starting workers again:");
  beside_workers(arguments, store, [&] { check_results(client, ids); });
}

int run(const Arguments& arguments) {
  const std::string rule(60, '=');
  try {
    const OwnFolder folder;
    say(rule + "\nPENSTOCK ROSTER SELFTEST\n" + rule);
    say("Store: " + folder.store());
    run_jobs(arguments, folder.store());
    run_persistence(arguments, folder.store());
  } catch (const std::exception& e) {
    std::cerr << "error: selftest failed: " << e.what() << '\n';
    return 1;
  }
  say(rule + "\nALL TESTS PASSED\n" + rule);
  return 0;
}

}  // namespace

Command selftest_command() {
  return {.name = "selftest",
          .summary = "Try store, workers, jobs and persistence, in a store of its own",
          .run = run};
}

}  // namespace penstock::roster
