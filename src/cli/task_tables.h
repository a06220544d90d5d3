// SPDX-License-Identifier: MIT
//
// The sections [tasks.NAME] of penstock.toml, and --exec: which programs a worker runs as tasks,
// and what a task is given when nobody says otherwise. Used by worker and submit.
#pragma once

#include <penstock/app.h>
#include <penstock/program.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::cli {

/// One section. What it does not say is not set.
struct TaskTable {
  std::string name = {};
  std::vector<std::string> exec = {};
  std::string folder = {};  ///< Where it runs.
  std::optional<Program::Mode> mode = {};
  std::optional<std::int64_t> memory = {};
  std::optional<Duration> cpu = {};
  bool store_access = false;
  std::string queue = {}, pool = {};
  TaskDefaults defaults = {};  ///< timeout, max_attempts
};

/// Where programs of this worker find the store: without its password, unless --store-access or
/// `access` say otherwise.
std::string store_of_programs(const Arguments& arguments, bool access = false);
/// Adds a queue to those that are served, unless it is there, is empty, or `queues` is null.
void serve_too(std::vector<QueueWeight>* queues, const std::string& queue);

/// Whether a section knows the key, and takes the value. Errors: invalid.
Result<void> check_task_setting(std::string_view key, const std::string& value);
/// All sections of the file, by name. Errors: invalid.
Result<std::vector<TaskTable>> read_task_tables(const Arguments& arguments);
/// Gives a task to submit the queue and the pool of its section, where no flag says otherwise.
Result<void> apply_task_table(const Arguments& arguments, JobSpec& job);
/// Adds the programs of the file and of --exec to `tasks`, and fills up what tasks of the program's
/// own leave open. The queues of these tasks are added to `queues`, unless it is null. Errors:
/// invalid, not_found, denied.
Result<void> add_task_tables(const Arguments& arguments, Tasks& tasks,
                             std::vector<QueueWeight>* queues);

}  // namespace penstock::cli
