// SPDX-License-Identifier: MIT
//
// How many trivial jobs a second run as programs: spawned, one process each, and persistent, a line
// of JSON each way. Beside them the same worker with a handler of its own, which is what the engine
// allows. Prints its method. One worker process; the store is a file in /tmp unless --store says
// otherwise.
//
//   bench_programs [--store URL] [--spawned 2000] [--persistent 100000] [--concurrency 4]
//
// The spawned program is /bin/true; the persistent ones are this program itself, which answers as
// fast as a program can, and one of ten lines of Python.
#include "bench/stage.h"

#include <algorithm>
#include <limits>

namespace {

using namespace penstock;
using namespace penstock::bench;

constexpr const char* python_program =
    "import sys, json\n"
    "print('{\"penstock\":1,\"tasks\":[\"python\"]}', flush=True)\n"
    "for line in sys.stdin:\n"
    "    job = json.loads(line)\n"
    "    if 'cancel' not in job:\n"
    "        print(json.dumps({'id': job['id'], 'result': job['payload']}), flush=True)\n";

// The persistent program: the id is the first value of each line.
int answer() {
  std::puts(R"({"penstock":1,"tasks":["native"]})");
  std::fflush(stdout);
  static char line[4096];
  constexpr std::string_view before = R"({"id":")";
  while (std::fgets(line, sizeof line, stdin)) {
    const std::string_view text(line);
    const auto end = text.find('"', before.size());
    std::printf("%.*s\",\"result\":null}\n", static_cast<int>(end), line);
    std::fflush(stdout);
  }
  return 0;
}

Tasks tasks_of_workers() {
  Tasks tasks;
  tasks.add_raw("handler", [](std::string_view, JobContext&) { return std::string("null"); });
  const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
  must(add_program(tasks, "spawned", {.command = {"/bin/true"}}));
  must(add_program(tasks, "native",
                   {.command = {self, "--answer"}, .mode = Program::Mode::persistent}));
  must(add_program(
      tasks, "python",
      {.command = {"/usr/bin/python3", "-c", python_program}, .mode = Program::Mode::persistent}));
  return tasks;
}

void submit_all(Client& client, const char* task, int count) {
  constexpr int batch = 250;
  for (int done = 0; done < count;) {
    const std::vector<JobSpec> jobs(static_cast<std::size_t>(std::min(batch, count - done)),
                                    JobSpec{.task = task, .payload = R"({"a":1})"});
    must(client.submit(jobs));
    done += static_cast<int>(jobs.size());
  }
}

// A failure is no job done.
void wait_for_success(Client& client) {
  wait_until_empty(client);
  for (const Queue& queue : must(client.queues())) {
    if (queue.failed > 0) give_up({Errc::internal, "a job has failed"});
  }
}

// From a queue that is full to one that is empty, by a worker that has had a warm-up.
void measure(Client& client, const std::string& store, int concurrency, const char* task,
             int jobs) {
  must(client.pause("default"));
  const WorkerProcess worker(store, {"--concurrency", std::to_string(concurrency)});
  submit_all(client, task, concurrency);
  must(client.resume("default"));
  wait_for_success(client);
  must(client.pause("default"));
  submit_all(client, task, jobs);
  const auto start = real_clock().steady();
  must(client.resume("default"));
  wait_for_success(client);
  std::printf("%-44s %10.0f /s\n", task, jobs / seconds_since(start));
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  constexpr int most = std::numeric_limits<int>::max();
  const CommandLine arguments(argc, argv);
  if (arguments.has("--answer")) return answer();
  const int spawned = arguments.number("--spawned", 2000, 1, most);
  const int persistent = arguments.number("--persistent", 100'000, 1, most);
  const int concurrency = arguments.number("--concurrency", 4, 1, most);
  if (arguments.has("--work")) {
    work(arguments, tasks_of_workers(), {.concurrency = concurrency});
  }
  set_log_level(LogLevel::error);
  const TemporaryStore store(arguments.text("--store"));
  std::printf(
      "method: trivial jobs of 7 bytes waiting in a queue, worked off by one worker process with "
      "%d slots; results kept, events written; %d spawned, %d of every other kind; store %s\n",
      concurrency, spawned, persistent, store.url().c_str());
  auto client = must(Client::open(store.url()));
  measure(client, store.url(), concurrency, "handler", persistent);
  measure(client, store.url(), concurrency, "native", persistent);
  measure(client, store.url(), concurrency, "python", persistent);
  measure(client, store.url(), concurrency, "spawned", spawned);
  return 0;
}
