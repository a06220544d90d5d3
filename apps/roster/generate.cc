// SPDX-License-Identifier: MIT
#include "apps/roster/generate.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace penstock::roster {
namespace {

/// SplitMix64: a few lines that give the same numbers everywhere, unlike std distributions.
class Dice {
 public:
  explicit Dice(std::uint64_t seed) : state_(seed) {}
  int below(int sides) {
    state_ += 0x9e3779b97f4a7c15ULL;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebULL;
    return static_cast<int>((z ^ (z >> 31U)) % static_cast<std::uint64_t>(sides));
  }

 private:
  std::uint64_t state_;
};

std::string name_of(int employee) {
  std::string name;
  for (int n = employee; n >= 0; n = n / 26 - 1) name.insert(0, 1, static_cast<char>('A' + n % 26));
  return name;
}

constexpr std::array<std::string_view, 3> names{"E", "L", "N"};

std::string shift_lines(int shifts) {
  std::string text = "\nSECTION_SHIFTS\n";
  for (int s = 0; s < shifts; ++s) {
    text += std::string(names[static_cast<std::size_t>(s)]) + ",480,";
    for (int earlier = 0; earlier < s; ++earlier) {
      text += (earlier == 0 ? "" : "|") + std::string(names[static_cast<std::size_t>(earlier)]);
    }
    text += "\n";
  }
  return text;
}

std::string staff_lines(const Ward& ward) {
  std::string text = "\nSECTION_STAFF\n";
  for (int e = 0; e < ward.employees; ++e) {
    const bool part_time = e % 4 == 3;
    text += name_of(e) + ",";
    for (int s = 0; s < ward.shifts; ++s) {
      text += (s == 0 ? "" : "|") + std::string(names[static_cast<std::size_t>(s)]) + "=" +
              std::to_string(ward.days);
    }
    // Nine shifts of eight hours in fourteen days at most, or six of them.
    const int most = std::max(1, (part_time ? 6 : 9) * ward.days / 14);
    const int least = std::max(0, most - 2 * ward.days / 14);
    text += "," + std::to_string(most * 480) + "," + std::to_string(least * 480) + ",5,2,2," +
            std::to_string(std::max(1, ward.days / 14)) + "\n";
  }
  return text;
}

std::string request_lines(const Ward& ward, Dice& dice, std::string_view section, int percent) {
  std::string text = "\n" + std::string(section) + "\n";
  for (int e = 0; e < ward.employees; ++e) {
    for (int day = 0; day < ward.days; ++day) {
      if (dice.below(100) >= percent) continue;
      text += name_of(e) + "," + std::to_string(day) + "," +
              std::string(names[static_cast<std::size_t>(dice.below(ward.shifts))]) + "," +
              std::to_string(1 + dice.below(3)) + "\n";
    }
  }
  return text;
}

}  // namespace

std::string generate_benchmark(const Ward& ward) {
  Dice dice(ward.seed);
  std::string text = "SECTION_HORIZON\n" + std::to_string(ward.days) + "\n";
  text += shift_lines(ward.shifts) + staff_lines(ward) + "\nSECTION_DAYS_OFF\n";
  for (int e = 0; e < ward.employees; ++e) {
    text += name_of(e) + "," + std::to_string(dice.below(ward.days)) + "\n";
  }
  text += request_lines(ward, dice, "SECTION_SHIFT_ON_REQUESTS", 12);
  text += request_lines(ward, dice, "SECTION_SHIFT_OFF_REQUESTS", 5);
  text += "\nSECTION_COVER\n";
  // Staff work four of seven days on average; weekends need fewer people.
  const int mean = std::max(1, ward.employees * 9 / 14 / ward.shifts);
  for (int day = 0; day < ward.days; ++day) {
    for (int s = 0; s < ward.shifts; ++s) {
      const bool weekend = day % 7 >= 5;
      const int people = std::max(1, mean - (weekend ? 1 : 0) + dice.below(5) - 2);
      text += std::to_string(day) + "," + std::string(names[static_cast<std::size_t>(s)]) + "," +
              std::to_string(people) + ",100,1\n";
    }
  }
  return text;
}

}  // namespace penstock::roster
