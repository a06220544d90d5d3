// SPDX-License-Identifier: MIT
#include "rules/duration.h"

#include <array>
#include <charconv>
#include <cstdio>

namespace penstock::rules {
namespace {

using namespace std::chrono;

struct Unit {
  std::string_view name;
  std::int64_t ms;
};
constexpr std::array units = {Unit{"d", 86'400'000}, Unit{"h", 3'600'000}, Unit{"m", 60'000},
                              Unit{"s", 1000}, Unit{"ms", 1}};
constexpr std::int64_t longest_ms = 10'000LL * 86'400'000;

Error bad_duration(std::string_view text) {
  return Error{Errc::invalid, "duration \"" + std::string(text.substr(0, 40)) +
                                  "\" is not understood: write a number with a unit, such as "
                                  "250ms, 30s, 5m, 1h30m or 7d"};
}

Error bad_time(std::string_view text) {
  return Error{Errc::invalid, "time \"" + std::string(text.substr(0, 40)) +
                                  "\" is not understood: write RFC 3339 with a zone, such as "
                                  "2026-01-31T08:00:00Z"};
}

// Reads exactly `digits` digits at `at`; -1 when there are none.
int number_at(std::string_view text, std::size_t at, std::size_t digits) {
  if (at + digits > text.size()) return -1;
  int value = 0;
  for (std::size_t i = at; i < at + digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return -1;
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

bool has_date_and_time_shape(std::string_view t) {
  return t.size() >= 20 && t[4] == '-' && t[7] == '-' && (t[10] == 'T' || t[10] == 't') &&
         t[13] == ':' && t[16] == ':';
}

// The zone at the end: "Z" or "+hh:mm". False when it is neither.
bool read_zone(std::string_view zone, minutes& offset) {
  if (zone == "Z" || zone == "z") return true;
  if (zone.size() != 6 || zone[3] != ':' || (zone[0] != '+' && zone[0] != '-')) return false;
  const int h = number_at(zone, 1, 2), m = number_at(zone, 4, 2);
  if (h < 0 || h > 23 || m < 0 || m > 59) return false;
  offset = minutes{h * 60 + m};
  if (zone[0] == '-') offset = -offset;
  return true;
}

}  // namespace

Result<Duration> parse_duration(std::string_view text) {
  if (text.empty()) return bad_duration(text);
  std::int64_t total = 0;
  const char* at = text.data();
  const char* const end = at + text.size();
  while (at != end) {
    std::int64_t count = 0;
    const auto [after, error] = std::from_chars(at, end, count);
    if (error != std::errc{} || after == at || count < 0) return bad_duration(text);
    at = after;
    // "ms" before "m": the longer unit wins.
    const std::string_view rest(at, static_cast<std::size_t>(end - at));
    const Unit* unit = nullptr;
    for (const Unit& u : units) {
      if (rest.starts_with(u.name) && (!unit || u.name.size() > unit->name.size())) unit = &u;
    }
    if (!unit || count > longest_ms / unit->ms) return bad_duration(text);
    total += count * unit->ms;
    if (total > longest_ms) return bad_duration(text);
    at += unit->name.size();
  }
  return Duration{total};
}

std::string format_duration(Duration duration) {
  std::int64_t ms = duration.count();
  if (ms == 0) return "0ms";
  std::string text = ms < 0 ? "-" : "";
  if (ms < 0) ms = -ms;
  for (const Unit& unit : units) {
    if (ms < unit.ms) continue;
    text += std::to_string(ms / unit.ms);
    text += unit.name;
    ms %= unit.ms;
  }
  return text;
}

Result<Time> parse_time(std::string_view text) {
  if (!has_date_and_time_shape(text)) return bad_time(text);
  const year_month_day date{year{number_at(text, 0, 4)},
                            month{static_cast<unsigned>(number_at(text, 5, 2))},
                            day{static_cast<unsigned>(number_at(text, 8, 2))}};
  const int h = number_at(text, 11, 2), m = number_at(text, 14, 2), s = number_at(text, 17, 2);
  if (!date.ok() || number_at(text, 0, 4) < 1970 || h < 0 || h > 23 || m < 0 || m > 59 || s < 0 ||
      s > 60) {
    return bad_time(text);
  }
  std::size_t at = 19;
  std::int64_t fraction_ms = 0;
  if (text[at] == '.') {
    std::int64_t scale = 100;
    const std::size_t first = ++at;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') {
      fraction_ms += (text[at++] - '0') * scale;
      scale /= 10;
    }
    if (at == first) return bad_time(text);
  }
  minutes offset{0};
  if (!read_zone(text.substr(at), offset)) return bad_time(text);
  return Time{sys_days{date} + hours{h} + minutes{m} + seconds{s} + milliseconds{fraction_ms} -
              offset};
}

std::string format_time(Time time) {
  const auto midnight = floor<days>(time);
  const year_month_day date{midnight};
  const hh_mm_ss clock{time - midnight};
  char text[40];
  std::snprintf(
      text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%03dZ", static_cast<int>(date.year()),
      static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
      static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
      static_cast<int>(clock.seconds().count()), static_cast<int>(clock.subseconds().count()));
  return text;
}

}  // namespace penstock::rules
