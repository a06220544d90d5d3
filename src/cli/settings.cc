// SPDX-License-Identifier: MIT
#include "cli/settings.h"

#include "cli/task_tables.h"
#include "rules/check.h"
#include "rules/command_line.h"
#include "rules/name.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

// The library is linked, not compiled in here.
#define TOML_HEADER_ONLY 0
#include <toml++/toml.h>

namespace penstock::cli {
namespace {

// In the order in which `config show` prints them; those of the program come last.
std::vector<SettingRow>& rows() {
  static std::vector<SettingRow> all = {
      {"--store", "store", "", "store URL"},
      {"--require-safe-store", "require_safe_store", "false",
       "refuse a store that may evict or forget"},
      {"--log-level", "log.level", "info", "debug, info, warning, error or off"},
      {"--log-format", "log.format", "text", "text or json"},
      {"--log-file", "log.file", "", "instead of stderr; opened again on SIGHUP"},
      {"--queues", "worker.queues", "default", "queues of a worker, with weights: a,b=3"},
      {"--pools", "worker.pools", "", "pools of a worker"},
      {"--name", "worker.name", "", "id of a worker; empty: HOST-PID", {{"WORKER_ID", ""}}},
      {"--concurrency",
       "worker.concurrency",
       "0",
       "slots of a worker; 0: one a core",
       {{"MAX_CONCURRENT_TASKS", ""}}},
      {"--coroutines", "worker.coroutines", "10000", "coroutines of a worker in flight"},
      {"--processes",
       "worker.processes",
       "1",
       "worker processes under one supervisor",
       {{"SOLVER_WORKERS", ""}}},
      {"--grace", "worker.grace", "30s", "how long a drain waits for running jobs"},
      {"--max-jobs", "worker.max_jobs", "0", "a worker ends after so many; 0: never"},
      {"--max-rss", "worker.max_rss", "0", "or with so many MB of memory; 0: never"},
      {"--spill", "worker.spill", "", "folder for results over 1 MiB, as files"},
      {"--spill-max", "worker.spill_max", "256MiB", "no result is larger than this"},
      {"--call-timeout", "client.call_timeout", "5s", "how long a store call is repeated"},
      {"--keep-succeeded-age",
       "retention.succeeded.age",
       "1h",
       "results are kept so long",
       {{"RESULT_TTL_SECONDS", "s"}}},
      {"--keep-succeeded-count", "retention.succeeded.count", "100000", "or so many"},
      {"--keep-succeeded-bytes", "retention.succeeded.bytes", "268435456", "or so much"},
      {"--keep-failed-age", "retention.failed.age", "30d", "failed jobs are kept so long"},
      {"--keep-failed-count", "retention.failed.count", "100000", "or so many"},
      {"--keep-failed-bytes", "retention.failed.bytes", "268435456", "or so much"},
      {"--keep-runs-age", "retention.runs.age", "7d", "ended runs of flows are kept so long"},
  };
  return all;
}

constexpr std::string_view task_section = "tasks.";

const SettingRow* find_key(std::string_view key) {
  const auto found = std::ranges::find(rows(), key, &SettingRow::key);
  return found == rows().end() ? nullptr : &*found;
}

Error at_place(const std::string& path, const toml::source_region& place, std::string_view what) {
  return Error{Errc::invalid, path + ":" + std::to_string(place.begin.line) + ":" +
                                  std::to_string(place.begin.column) + ": " + std::string(what)};
}

std::optional<std::string> as_text(const toml::node& node) {
  if (const auto* text = node.as_string()) return text->get();
  if (const auto* number = node.as_integer()) return std::to_string(number->get());
  if (const auto* flag = node.as_boolean()) return flag->get() ? "true" : "false";
  const auto* list = node.as_array();
  if (!list) return std::nullopt;
  std::string joined;
  for (const toml::node& one : *list) {
    const auto* text = one.as_string();
    if (!text) return std::nullopt;
    if (!joined.empty()) joined += ',';
    joined += text->get();
  }
  return joined;
}

// [tasks.NAME]: a command may be a list of words; everything else is one value.
Result<void> collect_task(const std::string& path, std::string_view key, const toml::node& node,
                          const toml::source_region& place, std::string& into) {
  const auto leaf = key.substr(key.rfind('.') + 1);
  const auto* words = node.as_array();
  if (leaf == "exec" && words) {
    std::vector<std::string> command;
    for (const toml::node& one : *words) {
      const auto* word = one.as_string();
      if (!word) return at_place(path, one.source(), "\"exec\" is a list of strings");
      command.push_back(word->get());
    }
    into = rules::join_command(command);
  } else if (const auto text = words ? std::nullopt : as_text(node)) {
    into = *text;
  } else {
    return at_place(path, node.source(), "\"" + std::string(key) + "\" needs one value");
  }
  if (auto ok = check_task_setting(leaf, into); !ok)
    return at_place(path, place, ok.error().message);
  return {};
}

Result<void> collect(const std::string& path, const toml::table& table, const std::string& prefix,
                     FileSettings& into) {
  for (const auto& [name, node] : table) {
    const std::string key = prefix + std::string(name.str());
    if (const auto* inner = node.as_table()) {
      if (auto ok = collect(path, *inner, key + ".", into); !ok) return ok;
      continue;
    }
    if (prefix.starts_with(task_section) && prefix.size() > task_section.size()) {
      if (auto ok = collect_task(path, key, node, name.source(), into[key]); !ok) return ok;
      continue;
    }
    if (!find_key(key)) {
      return at_place(path, name.source(),
                      "unknown key \"" + rules::printable(key) +
                          "\": penstock config show lists the known ones");
    }
    const auto text = as_text(node);
    if (!text) {
      return at_place(path, node.source(),
                      "\"" + key +
                          "\" needs a string, a whole number, true or false, or a list of "
                          "strings");
    }
    into[key] = *text;
  }
  return {};
}

}  // namespace

std::span<const SettingRow> setting_rows() { return rows(); }

void declare_settings(const App& app) {
  for (const AppSetting& own : app.settings()) {
    rows().push_back(
        {.flag = own.flag, .key = own.key, .fallback = own.fallback, .help = own.help});
  }
  for (const auto& [flag, variable] : app.aliases()) {
    const auto row = std::ranges::find(rows(), flag, &SettingRow::flag);
    CHECK(row != rows().end());  // A program's own mistake: App::alias names no setting.
    row->variables.push_back(variable);
  }
}

std::pair<std::string, std::string> from_environment(const SettingRow& row) {
  const auto set = [](const std::string& name) {
    const char* value = std::getenv(name.c_str());
    return std::string(value ? value : "");
  };
  const std::string own = environment_name(row);
  if (std::string value = set(own); !value.empty()) return {std::move(value), own};
  for (const Variable& other : row.variables) {
    std::string value = set(other.name);
    if (!value.empty()) return {std::move(value) + other.unit, other.name};
  }
  return {};
}

const SettingRow* find_setting(std::string_view flag) {
  const auto found = std::ranges::find(rows(), flag, &SettingRow::flag);
  return found == rows().end() ? nullptr : &*found;
}

std::string environment_name(const SettingRow& row) {
  std::string name = "PENSTOCK_";
  for (const char c : row.flag.substr(2)) {
    name += c == '-' ? '_' : static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  }
  return name;
}

std::string settings_path(std::string_view given) {
  if (!given.empty()) return std::string(given);
  if (const char* variable = std::getenv("PENSTOCK_CONFIG"); variable && *variable) return variable;
  return std::filesystem::exists("penstock.toml") ? "penstock.toml" : "";
}

Result<FileSettings> read_settings_file(const std::string& path) {
  std::ifstream file(path);
  if (!file || std::filesystem::is_directory(path)) {
    return Error{Errc::not_found, "configuration file " + path + " cannot be read: check --config"};
  }
  std::stringstream text;
  text << file.rdbuf();
  FileSettings settings;
  try {
    const toml::table table = toml::parse(text.str(), path);
    if (auto ok = collect(path, table, "", settings); !ok) return std::move(ok).error();
  } catch (const toml::parse_error& e) {
    return at_place(path, e.source(), e.description());
  }
  return settings;
}

}  // namespace penstock::cli
