// SPDX-License-Identifier: MIT
#include "apps/roster/eligibility.h"

#include <algorithm>

namespace penstock::roster {
namespace {

bool in_pattern(const Candidate& candidate, const Opening& opening, std::int64_t day) {
  const auto length = static_cast<std::int64_t>(opening.pattern.size());
  const std::int64_t place = (day - opening.anchor + candidate.rotation_offset) % length;
  return opening.pattern[static_cast<std::size_t>((place + length) % length)] == opening.code;
}

bool admits(const std::set<std::string>& list, const std::string& name) {
  return list.empty() || list.contains(name);
}

bool matches(const std::string& wanted, const std::string& is) {
  return wanted.empty() || is.empty() || wanted == is;
}

bool qualified(const Candidate& candidate, const Opening& opening, std::int64_t day) {
  return std::ranges::all_of(opening.qualifications, [&](const std::string& name) {
    const auto found = candidate.qualifications.find(name);
    return found != candidate.qualifications.end() && day <= found->second;
  });
}

}  // namespace

Cell cell_for(const Candidate& candidate, const Opening& opening, std::int64_t day) {
  if (!admits(opening.white_employees, candidate.id) ||
      !admits(opening.white_teams, candidate.team)) {
    return Cell::not_whitelisted;
  }
  if (opening.black_employees.contains(candidate.id) ||
      opening.black_teams.contains(candidate.team)) {
    return Cell::blacklisted;
  }
  if (!matches(opening.product, candidate.product)) return Cell::wrong_product;
  if (!matches(opening.rank, candidate.rank)) return Cell::wrong_rank;
  if (!matches(opening.scheme, candidate.scheme)) return Cell::wrong_scheme;
  if (!opening.gender.empty() && opening.gender != candidate.gender) return Cell::wrong_gender;
  if (!qualified(candidate, opening, day)) return Cell::not_qualified;
  if (candidate.unavailable.contains(day)) return Cell::unavailable;
  if (!in_pattern(candidate, opening, day)) return Cell::pattern_rests;
  return Cell::open;
}

}  // namespace penstock::roster
