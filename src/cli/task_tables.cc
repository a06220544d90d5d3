// SPDX-License-Identifier: MIT
#include "cli/task_tables.h"

#include "cli/connect.h"
#include "rules/byte_size.h"
#include "rules/command_line.h"
#include "rules/duration.h"
#include "rules/name.h"

#include <algorithm>
#include <charconv>
#include <functional>

namespace penstock::cli {
namespace {

struct Setting {
  std::string_view key;
  Result<void> (*read)(const std::string& value, TaskTable& into);
};

template <class T>
Result<void> into(Result<T> value, std::optional<T>& field) {
  if (!value) return std::move(value).error();
  field = *std::move(value);
  return {};
}

Result<void> read_name(std::string_view what, const std::string& value, std::string& field) {
  if (auto ok = rules::check_name(what, value); !ok) return ok;
  field = value;
  return {};
}

Result<void> read_exec(const std::string& value, TaskTable& table) {
  auto words = rules::split_command(value);
  if (!words) return std::move(words).error();
  table.exec = *std::move(words);
  return {};
}

Result<void> read_mode(const std::string& value, TaskTable& table) {
  if (value == "spawn") {
    table.mode = Program::Mode::spawn;
  } else if (value == "persistent") {
    table.mode = Program::Mode::persistent;
  } else {
    return Error{Errc::invalid,
                 "mode \"" + rules::printable(value) + "\": write \"spawn\" or \"persistent\""};
  }
  return {};
}

Result<void> read_attempts(const std::string& value, TaskTable& table) {
  int count = 0;
  const char* const end = value.data() + value.size();
  const auto [after, error] = std::from_chars(value.data(), end, count);
  if (error != std::errc{} || after != end || count < 1 || count > 1000) {
    return Error{Errc::invalid,
                 "max_attempts \"" + rules::printable(value) + "\" is out of range: use 1 to 1000"};
  }
  table.defaults.max_attempts = count;
  return {};
}

Result<void> read_store_access(const std::string& value, TaskTable& table) {
  if (value != "true" && value != "false") {
    return Error{Errc::invalid,
                 "store_access \"" + rules::printable(value) + "\": write true or false"};
  }
  table.store_access = value == "true";
  return {};
}

constexpr Setting settings[] = {
    {"exec", read_exec},
    {"folder",
     [](const std::string& value, TaskTable& table) -> Result<void> {
       table.folder = value;
       return {};
     }},
    {"mode", read_mode},
    {"timeout",
     [](const std::string& value, TaskTable& table) {
       return into(rules::parse_duration(value), table.defaults.timeout);
     }},
    {"memory", [](const std::string& value,
                  TaskTable& table) { return into(rules::parse_bytes(value), table.memory); }},
    {"cpu", [](const std::string& value,
               TaskTable& table) { return into(rules::parse_duration(value), table.cpu); }},
    {"queue", [](const std::string& value,
                 TaskTable& table) { return read_name("queue name", value, table.queue); }},
    {"pool", [](const std::string& value,
                TaskTable& table) { return read_name("pool name", value, table.pool); }},
    {"max_attempts", read_attempts},
    {"store_access", read_store_access},
};

const Setting* find(std::string_view key) {
  const auto found = std::ranges::find(settings, key, &Setting::key);
  return found == std::end(settings) ? nullptr : found;
}

TaskTable* table_of(std::vector<TaskTable>& tables, const std::string& name) {
  const auto found = std::ranges::find(tables, name, &TaskTable::name);
  return found == tables.end() ? nullptr : &*found;
}

Result<void> add_one(const Arguments& arguments, const TaskTable& table, Tasks& tasks) {
  Program program{.command = table.exec,
                  .mode = table.mode.value_or(Program::Mode::spawn),
                  .memory_bytes = table.memory,
                  .cpu = table.cpu,
                  .folder = table.folder};
  program.environment["PENSTOCK_STORE"] = store_of_programs(arguments, table.store_access);
  return add_program(tasks, table.name, std::move(program), table.defaults);
}

// --exec NAME=COMMAND: before the file's command, with whatever else its section says.
Result<void> read_flags(const Arguments& arguments, std::vector<TaskTable>& tables) {
  std::vector<std::string> named;
  for (const std::string& text : arguments.all("--exec")) {
    auto one = rules::parse_named_command(text);
    if (!one) return Error{one.error().code, "--exec " + one.error().message};
    if (std::ranges::find(named, one->name) != named.end()) {
      return Error{Errc::invalid, "--exec names task \"" + one->name + "\" twice: give it once"};
    }
    named.push_back(one->name);
    TaskTable* table = table_of(tables, one->name);
    if (!table) table = &tables.emplace_back(TaskTable{.name = one->name});
    table->exec = std::move(one->command);
    if (arguments.has("--persistent")) table->mode = Program::Mode::persistent;
  }
  if (named.empty() && arguments.has("--persistent")) {
    return Error{Errc::invalid,
                 "--persistent is for --exec: give one, or set mode in [tasks.NAME]"};
  }
  return {};
}

}  // namespace

Result<void> check_task_setting(std::string_view key, const std::string& value) {
  TaskTable scratch;
  if (const Setting* setting = find(key)) return setting->read(value, scratch);
  std::string known;
  for (const Setting& setting : settings) {
    known += (known.empty() ? "" : ", ") + std::string(setting.key);
  }
  return Error{Errc::invalid,
               "unknown key \"" + rules::printable(key) + "\" of a task: it may have " + known};
}

Result<std::vector<TaskTable>> read_task_tables(const Arguments& arguments) {
  std::vector<TaskTable> tables;
  for (const auto& [path, value] : arguments.section("tasks.")) {
    const auto dot = path.rfind('.');  // No key has one, but a task's name may.
    const std::string name = path.substr(0, dot);
    TaskTable* table = table_of(tables, name);
    if (!table) {
      if (auto ok = rules::check_name("task name", name); !ok) return std::move(ok).error();
      table = &tables.emplace_back(TaskTable{.name = name});
    }
    if (auto ok = find(path.substr(dot + 1))->read(value, *table); !ok) {
      return std::move(ok).error();
    }
  }
  return tables;
}

Result<void> apply_task_table(const Arguments& arguments, JobSpec& job) {
  auto tables = read_task_tables(arguments);
  if (!tables) return std::move(tables).error();
  const TaskTable* table = table_of(*tables, job.task);
  if (!table) return {};
  if (!arguments.has("--queue") && !table->queue.empty()) job.options.queue = table->queue;
  if (!arguments.has("--pool") && !table->pool.empty()) job.options.pool = table->pool;
  return {};
}

// Without its password the store refuses, which is better than a job in some other store.
std::string store_of_programs(const Arguments& arguments, bool access) {
  const std::string store = arguments.store();
  return access || arguments.has("--store-access") ? store : rules::without_password(store);
}

void serve_too(std::vector<QueueWeight>* queues, const std::string& queue) {
  if (!queues || queue.empty()) return;
  const auto known = std::ranges::find(*queues, queue, &QueueWeight::queue);
  if (known == queues->end()) queues->push_back({.queue = queue});
}

Result<void> add_task_tables(const Arguments& arguments, Tasks& tasks,
                             std::vector<QueueWeight>* queues) {
  auto tables = read_task_tables(arguments);
  if (!tables) return std::move(tables).error();
  if (auto ok = read_flags(arguments, *tables); !ok) return ok;
  for (const TaskTable& table : *tables) {
    if (!table.exec.empty()) {
      if (auto ok = add_one(arguments, table, tasks); !ok) return ok;
    } else if (!tasks.find(table.name)) {
      continue;  // Other workers may have it.
    } else if (table.mode || table.memory || table.cpu || table.store_access) {
      return Error{Errc::invalid, "[tasks." + table.name +
                                      "] is no program: mode, memory, cpu and store_access need "
                                      "exec"};
    } else {
      tasks.fill_up(table.name, table.defaults);
    }
    serve_too(queues, table.queue);
  }
  return {};
}

}  // namespace penstock::cli
