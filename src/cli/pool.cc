// SPDX-License-Identifier: MIT
//
// A pool: worker processes of this machine under one supervisor, started in one terminal and looked
// at or stopped from another. Its supervisor holds a lock on a file that has its process id; the
// lock, not the file, says that it lives.
#include "cli/commands.h"
#include "cli/connect.h"
#include "cli/fleet.h"
#include "rules/name.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>
#include <csignal>

namespace penstock::cli {
namespace {

constexpr int most_workers = 1000;

// One pool for each store, in the folder for what lives as long as the login or the machine.
std::filesystem::path lock_path(const Arguments& arguments) {
  const auto variable = [](const char* name) {
    const char* set = std::getenv(name);
    return std::string(set ? set : "");
  };
  std::filesystem::path folder = variable("XDG_RUNTIME_DIR");
  if (folder.empty()) folder = variable("XDG_STATE_HOME");
  if (folder.empty()) folder = std::filesystem::path(variable("HOME")) / ".local/state";
  const std::size_t store = std::hash<std::string>{}(arguments.store());
  return folder / "penstock" / ("pool-" + std::to_string(store) + ".lock");
}

class PoolLock {
 public:
  /// Errors: conflict (a pool of this store runs here), denied.
  static Result<PoolLock> take(const std::filesystem::path& path) {
    std::error_code failed;
    std::filesystem::create_directories(path.parent_path(), failed);
    const int file = open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) {
      return Error{Errc::denied, "cannot write " + path.string() +
                                     ": set XDG_RUNTIME_DIR to a "
                                     "folder of your own"};
    }
    if (flock(file, LOCK_EX | LOCK_NB) != 0) {
      close(file);
      return Error{Errc::conflict,
                   "a pool of this store runs here already: penstock pool status, pool stop"};
    }
    const std::string pid = std::to_string(getpid()) + "\n";
    (void)!ftruncate(file, 0);
    (void)!pwrite(file, pid.data(), pid.size(), 0);
    return PoolLock(file);
  }
  PoolLock(PoolLock&& other) noexcept : file_(std::exchange(other.file_, -1)) {}
  ~PoolLock() {
    if (file_ >= 0) close(file_);
  }

 private:
  explicit PoolLock(int file) : file_(file) {}
  int file_;
};

// The supervisor's process id; nothing when no pool of this store runs here.
std::optional<pid_t> supervisor_of(const std::filesystem::path& path) {
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return std::nullopt;
  const bool alive = flock(file, LOCK_SH | LOCK_NB) != 0;
  close(file);
  if (!alive) return std::nullopt;
  std::ifstream text(path);
  pid_t pid = 0;
  text >> pid;
  return pid > 0 ? std::optional(pid) : std::nullopt;
}

std::set<int> children_of(pid_t parent) {
  std::set<int> pids;
  std::error_code failed;
  const std::string tasks = "/proc/" + std::to_string(parent) + "/task";
  for (const auto& thread : std::filesystem::directory_iterator(tasks, failed)) {
    std::ifstream children(thread.path() / "children");
    for (int pid = 0; children >> pid;) pids.insert(pid);
  }
  return pids;
}

Error no_pool() {
  return {Errc::not_found, "no pool of this store runs here: penstock pool start 5"};
}

int start_pool(const Arguments& arguments) {
  const auto& words = arguments.words();
  int count = 0;
  const bool one_number =
      words.size() == 1 &&
      std::from_chars(words[0].data(), words[0].data() + words[0].size(), count).ptr ==
          words[0].data() + words[0].size();
  if (!one_number || count < 1 || count > most_workers) {
    return fail(arguments, {Errc::invalid, "pool start takes the number of workers, 1 to " +
                                               std::to_string(most_workers)});
  }
  auto grace = duration_flag(arguments, "--grace");
  if (!grace) return fail(arguments, grace.error());
  if (auto ok = check_fleet(arguments, count); !ok) return fail(arguments, ok.error());
  auto lock = PoolLock::take(lock_path(arguments));
  if (!lock) return fail(arguments, lock.error());
  const std::string typed = arguments.text("--name");
  const std::string name = typed.empty() ? "worker" : typed;
  const bool speaks = !arguments.quiet();
  for (int i = 1; speaks && i <= count; ++i) {
    std::cout << '[' << i << '/' << count << "] Starting " << name << '-' << i << "...\n";
  }
  std::cout.flush();
  const auto on_ready = [&] {
    if (!speaks) return;
    std::cout << "All " << count << " workers started on "
              << rules::without_password(arguments.store())
              << "; Ctrl+C or penstock pool stop ends them\n";
    std::cout.flush();
  };
  return run_fleet(arguments, {.processes = count,
                               .grace = grace->value_or(Duration{30'000}),
                               .name_prefix = name,
                               .on_ready = on_ready});
}

int pool_status(const Arguments& arguments) {
  const auto pid = supervisor_of(lock_path(arguments));
  if (!pid) return fail(arguments, no_pool());
  auto client = connect(arguments, Access::read);
  if (!client) return fail(arguments, client.error());
  auto workers = client->workers();
  if (!workers) return fail(arguments, workers.error());
  const std::set<int> ours = children_of(*pid);
  char host[256] = "";
  gethostname(host, sizeof host - 1);
  std::erase_if(*workers, [&](const WorkerRecord& worker) {
    return worker.host != host || !ours.contains(worker.pid);
  });
  if (!arguments.json()) {
    std::cout << "pool of " << workers->size() << " workers under PID " << *pid << '\n';
  }
  print_workers(arguments, *workers);
  return 0;
}

int stop_pool(const Arguments& arguments) {
  const std::filesystem::path path = lock_path(arguments);
  const auto pid = supervisor_of(path);
  if (!pid) return fail(arguments, no_pool());
  if (kill(*pid, SIGTERM) != 0) {
    return fail(arguments, {Errc::denied,
                            "the pool under PID " + std::to_string(*pid) + " is another user's"});
  }
  // The lock is free when the last worker has ended.
  const int file = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file >= 0) {
    flock(file, LOCK_SH);
    close(file);
  }
  if (!arguments.quiet()) std::cerr << "pool stopped\n";
  return 0;
}

}  // namespace

std::vector<Command> pool_commands() {
  std::vector<Flag> flags = worker_flags();
  std::erase_if(flags, [](const Flag& flag) {
    return flag.name == "--processes" || flag.name == "--index" || flag.name == "--name-prefix" ||
           flag.name == "--list-tasks";
  });
  return {{.name = "pool start",
           .summary = "Start N workers here and keep them alive until Ctrl+C",
           .flags = std::move(flags),
           .words = "N",
           .run = start_pool},
          {.name = "pool status",
           .summary = "The workers of the pool that runs here",
           .run = pool_status},
          {.name = "pool stop",
           .summary = "Let the pool that runs here finish what it has, and end",
           .run = stop_pool}};
}

}  // namespace penstock::cli
