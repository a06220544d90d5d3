// SPDX-License-Identifier: MIT
#include "store/redis/server_report.h"

#include <algorithm>

namespace penstock::redis {

std::string_view field_of(std::string_view report, std::string_view name) {
  while (!report.empty()) {
    std::string_view line = report.substr(0, report.find('\n'));
    report.remove_prefix(std::min(report.size(), line.size() + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.size() > name.size() && line[name.size()] == ':' && line.starts_with(name)) {
      return line.substr(name.size() + 1);
    }
  }
  return {};
}

}  // namespace penstock::redis
