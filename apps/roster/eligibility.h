// SPDX-License-Identifier: MIT
//
// Who may take a slot of the small JSON format: the first rule that keeps an employee out of it.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "apps/roster/instance.h"

namespace penstock::roster {

/// An employee as the small format describes one. Empty texts admit to demands of any kind.
struct Candidate {
  std::string id;
  std::string team;
  std::string product;
  std::string rank;
  std::string scheme;
  std::string gender;
  int rotation_offset = 0;
  std::map<std::string, std::int64_t> qualifications;  ///< Name to the last valid day.
  std::set<std::int64_t> unavailable;                  ///< Days.
};

/// One requirement with one shift of its demand.
struct Opening {
  std::string code;
  std::vector<std::string> pattern;  ///< Shift codes, and "O" for rest.
  std::int64_t anchor = 0;           ///< The day of the pattern's first place at offset 0.
  std::string product;
  std::string rank;
  std::string scheme;  ///< Empty: any.
  std::string gender;  ///< Empty: any.
  std::vector<std::string> qualifications;
  std::set<std::string> white_teams;
  std::set<std::string> white_employees;
  std::set<std::string> black_teams;
  std::set<std::string> black_employees;
};

/// Cell::open, or why not, on a day that the demand covers.
Cell cell_for(const Candidate& candidate, const Opening& opening, std::int64_t day);

}  // namespace penstock::roster
