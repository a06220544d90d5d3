// SPDX-License-Identifier: MIT
//
// Settings: one row for each that may come from a flag, the environment or penstock.toml, in that
// order. The row names all three, so that they cannot drift apart.
#pragma once

#include <penstock/app.h>

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace penstock::cli {

struct SettingRow {
  std::string flag = {};  ///< "--concurrency"
  std::string key = {};   ///< "worker.concurrency" in the file; lists are joined with commas.
  std::string fallback = {};
  std::string help = {};
  std::vector<Variable> variables = {};  ///< Asked after PENSTOCK_<NAME>, in this order.
};

/// Adds the settings and aliases of a program. Once, before a setting is read.
void declare_settings(const App& app);
/// Value of a setting and the variable it is from; empty when no variable is set.
std::pair<std::string, std::string> from_environment(const SettingRow& row);

std::span<const SettingRow> setting_rows();
/// Null when the flag is no setting.
const SettingRow* find_setting(std::string_view flag);
/// "PENSTOCK_CONCURRENCY"
std::string environment_name(const SettingRow& row);

/// The file to read: `given` (--config), else PENSTOCK_CONFIG, else penstock.toml in this folder
/// when there is one, else none.
std::string settings_path(std::string_view given);
/// What a configuration file says, by key.
using FileSettings = std::map<std::string, std::string, std::less<>>;

/// Reads penstock.toml. Errors: not_found, invalid with line and column (unknown key, wrong type).
Result<FileSettings> read_settings_file(const std::string& path);

}  // namespace penstock::cli
