// SPDX-License-Identifier: MIT
#include "cli/settings.h"

#include "cli/task_tables.h"
#include "rules/command_line.h"
#include "rules/name.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>

// The library is linked, not compiled in here.
#define TOML_HEADER_ONLY 0
#include <toml++/toml.h>

namespace penstock::cli {
namespace {

constexpr std::array rows = {
    SettingRow{"--store", "store", "", "store URL"},
    SettingRow{"--require-safe-store", "require_safe_store", "false",
               "refuse a store that may evict or forget"},
    SettingRow{"--log-level", "log.level", "info", "debug, info, warning, error or off"},
    SettingRow{"--log-format", "log.format", "text", "text or json"},
    SettingRow{"--log-file", "log.file", "", "instead of stderr; opened again on SIGHUP"},
    SettingRow{"--queues", "worker.queues", "default", "queues of a worker, with weights: a,b=3"},
    SettingRow{"--pools", "worker.pools", "", "pools of a worker"},
    SettingRow{"--concurrency", "worker.concurrency", "0", "slots of a worker; 0: one a core"},
    SettingRow{"--coroutines", "worker.coroutines", "10000", "coroutines of a worker in flight"},
    SettingRow{"--processes", "worker.processes", "1", "worker processes under one supervisor"},
    SettingRow{"--grace", "worker.grace", "30s", "how long a drain waits for running jobs"},
    SettingRow{"--max-jobs", "worker.max_jobs", "0", "a worker ends after so many; 0: never"},
    SettingRow{"--spill", "worker.spill", "", "folder for results over 1 MiB, as files"},
    SettingRow{"--spill-max", "worker.spill_max", "256MiB", "no result is larger than this"},
    SettingRow{"--max-rss", "worker.max_rss", "0", "or with so many MB of memory; 0: never"},
    SettingRow{"--call-timeout", "client.call_timeout", "5s", "how long a store call is repeated"},
    SettingRow{"--keep-succeeded-age", "retention.succeeded.age", "1h", "results are kept so long"},
    SettingRow{"--keep-succeeded-count", "retention.succeeded.count", "100000", "or so many"},
    SettingRow{"--keep-succeeded-bytes", "retention.succeeded.bytes", "268435456", "or so much"},
    SettingRow{"--keep-failed-age", "retention.failed.age", "30d", "failed jobs are kept so long"},
    SettingRow{"--keep-failed-count", "retention.failed.count", "100000", "or so many"},
    SettingRow{"--keep-failed-bytes", "retention.failed.bytes", "268435456", "or so much"},
};

constexpr std::string_view task_section = "tasks.";

const SettingRow* find_key(std::string_view key) {
  const auto found = std::ranges::find(rows, key, &SettingRow::key);
  return found == rows.end() ? nullptr : &*found;
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

std::span<const SettingRow> setting_rows() { return rows; }

const SettingRow* find_setting(std::string_view flag) {
  const auto found = std::ranges::find(rows, flag, &SettingRow::flag);
  return found == rows.end() ? nullptr : &*found;
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
