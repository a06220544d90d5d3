// SPDX-License-Identifier: MIT
#include "cli/commands.h"
#include "cli/connect.h"
#include "cli/settings.h"
#include "cli/table.h"
#include "rules/json.h"
#include "rules/name.h"

#include <iostream>

namespace penstock::cli {
namespace {

int show_config(const Arguments& arguments) {
  Table table({"KEY", "VALUE", "FROM", "WHAT IT IS"});
  rules::JsonWriter json;
  json.begin_object();
  for (const SettingRow& row : setting_rows()) {
    std::string value = row.flag == "--store" ? arguments.store() : arguments.text(row.flag);
    if (row.flag == "--require-safe-store") {
      value = arguments.has(row.flag) ? "true" : "false";
    }
    value = rules::without_password(value);
    const std::string origin = arguments.origin(row.flag);
    json.key(row.key).begin_object().key("value").text(value).key("from").text(origin).end_object();
    table.row({std::string(row.key), value.empty() ? "-" : value, origin, std::string(row.help)});
  }
  std::cout << (arguments.json() ? json.end_object().take() + "\n" : table.text());
  return 0;
}

}  // namespace

Command config_command() {
  return {.name = "config show",
          .summary = "Every setting, its value and where it comes from",
          .run = show_config};
}

}  // namespace penstock::cli
