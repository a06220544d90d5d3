// SPDX-License-Identifier: MIT
#include "rules/byte_size.h"

#include "rules/name.h"

#include <array>
#include <charconv>

namespace penstock::rules {
namespace {

struct Unit {
  std::string_view name;
  std::int64_t bytes;
};
constexpr std::array units = {Unit{"TiB", 1LL << 40},
                              Unit{"GiB", 1LL << 30},
                              Unit{"MiB", 1LL << 20},
                              Unit{"KiB", 1LL << 10},
                              Unit{"TB", 1'000'000'000'000},
                              Unit{"GB", 1'000'000'000},
                              Unit{"MB", 1'000'000},
                              Unit{"KB", 1000},
                              Unit{"B", 1}};
constexpr std::int64_t most = 1000LL << 40;

}  // namespace

Result<std::int64_t> parse_bytes(std::string_view text) {
  std::int64_t count = 0;
  const char* const end = text.data() + text.size();
  const auto [after, error] = std::from_chars(text.data(), end, count);
  const std::string_view unit(after, static_cast<std::size_t>(end - after));
  if (error == std::errc{} && count > 0) {
    for (const Unit& known : units) {
      if (unit == known.name && count <= most / known.bytes) return count * known.bytes;
    }
  }
  return Error{Errc::invalid, "size \"" + printable(text, 40) +
                                  "\" is not understood: write a number with a unit, such as "
                                  "64KiB, 512MB or 2GiB"};
}

std::string format_bytes(std::int64_t bytes) {
  for (const Unit& unit : units) {
    const bool binary = unit.name.size() == 3 || unit.name == "B";
    if (binary && bytes % unit.bytes == 0 && bytes >= unit.bytes) {
      return std::to_string(bytes / unit.bytes) + std::string(unit.name);
    }
  }
  return std::to_string(bytes) + "B";
}

}  // namespace penstock::rules
