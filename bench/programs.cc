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
#include <penstock/log.h>
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
  int spawned = 2000, persistent = 100'000, concurrency = 4;
};

constexpr const char* python_program =
    "import sys, json\n"
    "print('{\"penstock\":1,\"tasks\":[\"python\"]}', flush=True)\n"
    "for line in sys.stdin:\n"
    "    job = json.loads(line)\n"
    "    if 'cancel' not in job:\n"
    "        print(json.dumps({'id': job['id'], 'result': job['payload']}), flush=True)\n";

// Every result is checked: a benchmark that goes on after an error measures nothing.
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

int work(const Settings& settings) {
  Tasks tasks;
  tasks.add_raw("handler", [](std::string_view, JobContext&) { return std::string("null"); });
  const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
  must(add_program(tasks, "spawned", {.command = {"/bin/true"}}));
  must(add_program(tasks, "native",
                   {.command = {self, "--answer"}, .mode = Program::Mode::persistent}));
  must(add_program(
      tasks, "python",
      {.command = {"/usr/bin/python3", "-c", python_program}, .mode = Program::Mode::persistent}));
  auto worker = must(Worker::open(settings.store, tasks, {.concurrency = settings.concurrency}));
  const auto ended = worker.run();
  std::_Exit(ended ? 0 : 1);
}

pid_t start_worker(const Settings& settings, const char* program) {
  const pid_t pid = fork();
  if (pid != 0) return pid;
  execl(program, program, "--work", "--store", settings.store.c_str(), "--concurrency",
        std::to_string(settings.concurrency).c_str(), static_cast<char*>(nullptr));
  _exit(127);
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

// What is left of them; a failure is no job done.
std::int64_t left(Client& client) {
  std::int64_t count = 0;
  for (const Queue& queue : must(client.queues())) {
    count += queue.ready + queue.running + queue.scheduled;
    if (queue.failed > 0) must(Result<void>(Error{Errc::internal, "a job has failed"}));
  }
  return count;
}

// From a queue that is full to one that is empty, by a worker that has had a warm-up.
void measure(Client& client, const Settings& settings, const char* program, const char* task,
             int jobs) {
  must(client.pause("default"));
  const pid_t worker = start_worker(settings, program);
  submit_all(client, task, settings.concurrency);
  const auto wait = [&] {
    while (left(client) > 0) {
      real_clock().wait_until(real_clock().steady() + Duration{2}, {});
    }
  };
  must(client.resume("default"));
  wait();
  must(client.pause("default"));
  submit_all(client, task, jobs);
  const auto start = real_clock().steady();
  must(client.resume("default"));
  wait();
  const double seconds = static_cast<double>((real_clock().steady() - start).count()) / 1e9;
  std::printf("%-44s %10.0f /s\n", task, jobs / seconds);
  std::fflush(stdout);
  kill(worker, SIGTERM);
  waitpid(worker, nullptr, 0);
}

Settings read_arguments(int argc, char** argv, bool& is_worker) {
  Settings settings;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--work") {
      is_worker = true;
      continue;
    }
    const char* value = i + 1 < argc ? argv[++i] : "";
    if (word == "--store") settings.store = value;
    if (word == "--spawned") settings.spawned = std::max(1, std::atoi(value));
    if (word == "--persistent") settings.persistent = std::max(1, std::atoi(value));
    if (word == "--concurrency") settings.concurrency = std::max(1, std::atoi(value));
  }
  return settings;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::string_view(argv[1]) == "--answer") return answer();
  bool is_worker = false;
  Settings settings = read_arguments(argc, argv, is_worker);
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
      "method: trivial jobs of 7 bytes waiting in a queue, worked off by one worker process with "
      "%d "
      "slots; results kept, events written; %d spawned, %d of every other kind; store %s\n",
      settings.concurrency, settings.spawned, settings.persistent, settings.store.c_str());
  {
    auto client = must(Client::open(settings.store));
    measure(client, settings, argv[0], "handler", settings.persistent);
    measure(client, settings, argv[0], "native", settings.persistent);
    measure(client, settings, argv[0], "python", settings.persistent);
    measure(client, settings, argv[0], "spawned", settings.spawned);
  }
  if (!folder.empty()) std::filesystem::remove_all(folder);
  return 0;
}
