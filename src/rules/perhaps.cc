// SPDX-License-Identifier: MIT
#include "rules/perhaps.h"

#include "rules/name.h"

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

namespace penstock::rules {
namespace {

constexpr std::size_t longest_guessed = 40;

// How many letters have to be put in, taken out or replaced; more than `most`: any larger number.
std::size_t distance(std::string_view a, std::string_view b, std::size_t most) {
  if (a.size() + most < b.size() || b.size() + most < a.size()) return most + 1;
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < a.size(); ++i) {
    std::size_t corner = std::exchange(row[0], i + 1);
    for (std::size_t k = 0; k < b.size(); ++k) {
      const std::size_t replaced = corner + (a[i] == b[k] ? 0 : 1);
      corner = row[k + 1];
      row[k + 1] = std::min({replaced, row[k] + 1, corner + 1});
    }
  }
  return row.back();
}

}  // namespace

std::string perhaps(std::string_view written, std::span<const std::string_view> known) {
  if (written.size() > longest_guessed) return {};
  // Of a short name every other one is near.
  std::size_t most = std::min<std::size_t>(written.size() / 3, 2);
  std::string_view nearest;
  for (const std::string_view name : known) {
    const std::size_t away = most == 0 ? 1 : distance(written, name, most);
    if (away > most) continue;
    nearest = name;
    most = away - 1;
  }
  return nearest.empty() ? "" : " (" + printable(nearest) + "?)";
}

}  // namespace penstock::rules
