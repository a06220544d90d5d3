// SPDX-License-Identifier: MIT
//
// Durations and times as people write them: "1h30m", "250ms"; "2026-01-31T08:00:00.250Z". A bare
// number is refused, because nobody remembers whether it meant seconds.
#pragma once

#include <penstock/clock.h>
#include <penstock/result.h>

#include <string>
#include <string_view>

namespace penstock::rules {

/// Parses ([0-9]+(ms|s|m|h|d))+. Errors: invalid (no unit, negative, over 10,000 days).
Result<Duration> parse_duration(std::string_view text);
/// The shortest text that parse_duration reads back: 90 min is "1h30m", zero is "0ms".
std::string format_duration(Duration duration);
/// Parses RFC 3339 with a zone ("Z" or an offset); fractions beyond milliseconds are cut.
Result<Time> parse_time(std::string_view text);
/// RFC 3339 in UTC with milliseconds.
std::string format_time(Time time);

inline std::int64_t to_ms(Time time) { return time.time_since_epoch().count(); }
inline Time from_ms(std::int64_t ms) { return Time{Duration{ms}}; }

}  // namespace penstock::rules
