// SPDX-License-Identifier: MIT
//
// Instances and rosters for the tests beside it.
#pragma once

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apps/roster/instance.h"
#include "apps/roster/read_instance.h"

namespace penstock::roster {

inline std::string instance_file(const std::string& name) {
  const char* root = std::getenv("PENSTOCK_SOURCE_DIR");  // ctest sets it.
  std::ifstream file(std::string(root ? root : ".") + "/apps/roster/instances/" + name,
                     std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline Instance instance1() { return read_instance(instance_file("instance1.txt")).value(); }
inline Instance weekdays() { return read_instance(instance_file("weekdays.json")).value(); }

/// `text` with the first `from` replaced; `text` itself when it is not there.
inline std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const auto at = text.find(from);
  if (at != std::string::npos) text.replace(at, from.size(), to);
  return text;
}

/// Rows like ".DDE", one for each employee, for instances whose shift IDs have one letter.
inline Roster roster_of(const Instance& instance, const std::vector<std::string>& rows) {
  Roster roster;
  for (const std::string& text : rows) {
    Row row;
    for (const char c : text) {
      int shift = off;
      for (int s = 0; s < instance.shift_count(); ++s) {
        if (instance.shifts[static_cast<std::size_t>(s)].id == std::string(1, c)) shift = s;
      }
      row.push_back(shift);
    }
    roster.push_back(std::move(row));
  }
  return roster;
}

/// An optimal roster of instance1, found and checked outside of this project's solver.
inline const std::vector<std::string>& optimal_rows_of_instance1() {
  static const std::vector<std::string> rows{
      ".DDDD..DD..DD.", "DDDDD...DD..DD", "DDD..DDD..DD..", "DD...DDDDD....",
      ".DDDD..DD..DDD", "DDD....DD..DDD", "..DDD..DDD..DD", "DD..DDD..DDD..",
  };
  return rows;
}

/// One employee, seven days from Monday, shifts E and L of which E may not follow L, and no limit
/// that binds; tests tighten what they are about.
inline Instance one_person_week() {
  Instance instance;
  instance.days = 7;
  instance.shifts = {{"E", 480, {}}, {"L", 480, {0}}};
  instance.employees = {{"A", {.max_shifts = {unlimited, unlimited}}}};
  instance.open_cells();
  return instance;
}

}  // namespace penstock::roster
