// SPDX-License-Identifier: MIT
#include "rules/run_change.h"

#include "rules/whole_number.h"

#include <charconv>
#include <cmath>
#include <cstdio>

namespace penstock::rules {
namespace {

constexpr std::int64_t largest = std::int64_t{1} << 53;

std::optional<double> read_double(std::string_view text) {
  double value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

bool fits(std::int64_t value) { return value > -largest && value < largest; }

}  // namespace

std::optional<std::string> sum_of(const std::optional<std::string>& field, const RunAdd& add) {
  const std::string_view known = field ? std::string_view(*field) : "0";
  const auto whole = whole_number(known), more = whole_number(add.by);
  if (whole && more) {
    if (!fits(*whole) || !fits(*more) || !fits(*whole + *more)) return std::nullopt;
    if (add.at_most && *whole + *more > *add.at_most) return std::nullopt;
    if (add.at_least && *whole + *more < *add.at_least) return std::nullopt;
    return std::to_string(*whole + *more);
  }
  if (is_whole(known) && is_whole(add.by)) return std::nullopt;
  const auto a = read_double(known), b = read_double(add.by);
  if (!a || !b || !std::isfinite(*a + *b)) return std::nullopt;
  char text[32];
  std::snprintf(text, sizeof text, "%.17g", *a + *b);
  return text;
}

}  // namespace penstock::rules
