// SPDX-License-Identifier: MIT
//
// What the benchmarks stand on: a store of their own, worker processes, and results that are
// checked. A benchmark starts itself as its workers: with --work it is one, on the store that
// --store names.
#pragma once

#include <penstock/penstock.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/types.h>

namespace penstock::bench {

[[noreturn]] void give_up(const Error& error);

/// Every result is checked: a benchmark that goes on after an error measures nothing.
template <class T>
T must(Result<T> result) {
  if (!result) give_up(result.error());
  return *std::move(result);
}
inline void must(const Result<void>& result) {
  if (!result) give_up(result.error());
}

double seconds_since(SteadyTime start);
void rest(Duration time);

/// The words of a command line: --name value, and --name alone.
class CommandLine {
 public:
  CommandLine(int count, char** words) : words_(words + 1, words + count) {}

  [[nodiscard]] bool has(std::string_view name) const;
  [[nodiscard]] std::string text(std::string_view name) const;
  /// Brought to between `least` and `most`.
  [[nodiscard]] int number(std::string_view name, int otherwise, int least, int most) const;

 private:
  std::vector<std::string> words_;
};

/// The store that was asked for, or an SQLite file in a folder that goes with this.
class TemporaryStore {
 public:
  explicit TemporaryStore(std::string url);
  ~TemporaryStore();
  TemporaryStore(const TemporaryStore&) = delete;
  TemporaryStore& operator=(const TemporaryStore&) = delete;
  [[nodiscard]] const std::string& url() const { return url_; }

 private:
  std::string url_;
  std::filesystem::path folder_;
};

/// A process of this program: `--work --store URL` and more words. It is told to stop, and waited
/// for, when this goes.
class WorkerProcess {
 public:
  WorkerProcess(const std::string& store, std::vector<std::string> words);
  ~WorkerProcess();
  WorkerProcess(WorkerProcess&& other) noexcept : pid_(std::exchange(other.pid_, -1)) {}
  WorkerProcess& operator=(WorkerProcess&&) = delete;
  [[nodiscard]] pid_t pid() const { return pid_; }

 private:
  pid_t pid_;
};

/// Works until it is told to stop, and ends the process.
[[noreturn]] void work(const CommandLine& arguments, const Tasks& tasks,
                       const WorkerOptions& options);

/// What is still to be done in a queue, or in all.
std::int64_t left(Client& client, std::string_view queue = {});
void wait_until_empty(Client& client, std::string_view queue = {});

}  // namespace penstock::bench
