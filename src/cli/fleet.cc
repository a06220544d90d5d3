// SPDX-License-Identifier: MIT
#include "cli/fleet.h"

#include "cli/connect.h"
#include "cli/file_watch.h"
#include "cli/flow_file.h"
#include "cli/log_sink.h"
#include "cli/settings.h"
#include "cli/signals.h"
#include "cli/task_tables.h"
#include "rules/command_line.h"

#include <penstock/log.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace penstock::cli {
namespace {

std::vector<std::string> child_command(const Arguments& arguments, const FleetWish& wish) {
  std::vector<std::string> command{arguments.program(), "worker", "--processes", "1",
                                   "--index",           "{index}"};
  for (const Flag& flag : worker_flags()) {
    const std::string name = flag.name.substr(flag.name.find("--"));
    // What makes a fleet is not for its members, and what was not typed they find themselves.
    const bool own = name == "--processes" || name == "--reload" || name == "--name" ||
                     name == "--index" || name == "--name-prefix" || name == "--list-tasks";
    if (own || arguments.origin(name) != name) continue;
    if (flag.value.empty()) {
      command.push_back(name);
      continue;
    }
    for (const std::string& value : arguments.all(name)) {
      command.insert(command.end(), {name, value});
    }
  }
  for (const char* name : {"--config", "--log-level", "--log-format", "--log-file"}) {
    if (arguments.origin(name) != name) continue;
    command.insert(command.end(), {name, arguments.text(name)});
  }
  for (const char* name : {"--quiet", "--require-safe-store"}) {
    if (arguments.origin(name) == name) command.emplace_back(name);
  }
  const std::string typed = arguments.text("--name");
  const std::string prefix = typed.empty() ? wish.name_prefix : typed;
  if (!prefix.empty()) command.insert(command.end(), {"--name-prefix", prefix});
  return command;
}

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// What a developer changes: this program, the files in the commands of its tasks, the settings.
std::vector<std::string> watched_files(const Arguments& arguments) {
  std::vector<std::string> files{arguments.program()};
  files.push_back(settings_path(arguments.text("--config")));
  const auto add = [&](const std::vector<std::string>& command) {
    std::error_code failed;
    for (const std::string& word : command) {
      if (std::filesystem::is_regular_file(word, failed)) files.push_back(word);
    }
  };
  if (const auto tables = read_task_tables(arguments)) {
    for (const TaskTable& table : *tables) add(table.exec);
  }
  for (const std::string& text : arguments.all("--exec")) {
    if (const auto named = rules::parse_named_command(text)) add(named->command);
  }
  for (const std::string& path : arguments.all("--flow")) {
    const auto of_flow = files_of_flow(path);
    files.insert(files.end(), of_flow.begin(), of_flow.end());
  }
  return files;
}

}  // namespace

int run_fleet(const Arguments& arguments, const FleetWish& wish) {
  // Not as a flag: everybody sees the arguments of a process, and a URL may hold a password.
  setenv("PENSTOCK_STORE", arguments.store().c_str(), 1);
  auto supervisor = Supervisor::open({.store = arguments.store(),
                                      .command = child_command(arguments, wish),
                                      .processes = wish.processes,
                                      .grace = wish.grace,
                                      .on_ready = wish.on_ready});
  if (!supervisor) return fail(arguments, supervisor.error());
  std::stop_source stop;
  std::string settings = contents(settings_path(arguments.text("--config")));
  SignalThread signals([&](int number) {
    if (number == SIGTERM || number == SIGINT) {
      if (stop.stop_requested()) supervisor->signal(SIGTERM);
      stop.request_stop();
      return;
    }
    supervisor->signal(number);
    if (number != SIGHUP) return;
    reopen_log();
    // A log file that was moved away is no reason to interrupt anybody.
    std::string now = contents(settings_path(arguments.text("--config")));
    if (now == settings) return;
    if (now.empty()) {
      // Moved away, and its like: without it the workers would offer other tasks than before.
      log(LogLevel::error,
          "[MANAGER] the settings are gone or empty: the workers stay as they are");
      return;
    }
    settings = std::move(now);
    log(LogLevel::info, "[MANAGER] the settings have changed: replacing the workers");
    supervisor->reload();
  });
  std::optional<FileWatch> watch;
  if (arguments.has("--reload")) {
    auto opened = FileWatch::open(watched_files(arguments), [&](const std::string& file) {
      log(LogLevel::info, "[MANAGER] " + file + " has changed: replacing the workers");
      supervisor->reload();
    });
    if (!opened) return fail(arguments, opened.error());
    watch.emplace(*std::move(opened));
  }
  const auto outcome = supervisor->run(stop.get_token());
  watch.reset();
  signals.end();
  if (!outcome) return fail(arguments, outcome.error());
  return 0;
}

}  // namespace penstock::cli
