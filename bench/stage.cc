// SPDX-License-Identifier: MIT
#include "bench/stage.h"

#include <algorithm>
#include <csignal>

#include <sys/wait.h>
#include <unistd.h>

namespace penstock::bench {

void give_up(const Error& error) {
  std::fprintf(stderr, "bench: %s\n", error.message.c_str());
  std::exit(1);
}

double seconds_since(SteadyTime start) {
  return static_cast<double>((real_clock().steady() - start).count()) / 1e9;
}

void rest(Duration time) { real_clock().wait_until(real_clock().steady() + time, {}); }

bool CommandLine::has(std::string_view name) const {
  return std::ranges::find(words_, name) != words_.end();
}

std::string CommandLine::text(std::string_view name) const {
  const auto found = std::ranges::find(words_, name);
  return found == words_.end() || std::next(found) == words_.end() ? "" : *std::next(found);
}

int CommandLine::number(std::string_view name, int otherwise, int least, int most) const {
  const std::string value = text(name);
  return value.empty() ? otherwise : std::clamp(std::atoi(value.c_str()), least, most);
}

TemporaryStore::TemporaryStore(std::string url) : url_(std::move(url)) {
  if (!url_.empty()) return;
  char name[] = "/tmp/penstock-bench-XXXXXX";
  if (!mkdtemp(name)) give_up({Errc::unavailable, "cannot make a folder in /tmp"});
  folder_ = name;
  url_ = "sqlite:" + (folder_ / "jobs.db").string();
}

TemporaryStore::~TemporaryStore() {
  std::error_code failed;
  if (!folder_.empty()) std::filesystem::remove_all(folder_, failed);
}

WorkerProcess::WorkerProcess(const std::string& store, std::vector<std::string> words) {
  const std::string self = std::filesystem::read_symlink("/proc/self/exe").string();
  words.insert(words.begin(), {self, "--work", "--store", store});
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  pid_ = fork();
  if (pid_ != 0) return;
  execv(self.c_str(), argv.data());
  _exit(127);
}

WorkerProcess::~WorkerProcess() {
  if (pid_ <= 0) return;
  kill(pid_, SIGTERM);
  waitpid(pid_, nullptr, 0);
}

void work(const CommandLine& arguments, const Tasks& tasks, const WorkerOptions& options) {
  auto worker = must(Worker::open(arguments.text("--store"), tasks, options));
  const auto ended = worker.run();
  std::_Exit(ended ? 0 : 1);
}

std::int64_t left(Client& client, std::string_view queue) {
  std::int64_t count = 0;
  for (const Queue& one : must(client.queues())) {
    if (queue.empty() || one.queue == queue) count += one.ready + one.running + one.scheduled;
  }
  return count;
}

void wait_until_empty(Client& client, std::string_view queue) {
  while (left(client, queue) > 0) rest(Duration{2});
}

}  // namespace penstock::bench
