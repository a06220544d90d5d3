// SPDX-License-Identifier: MIT
//
// Calendar days as a count since 1970-01-01, in the proleptic Gregorian calendar.
//
// The small JSON format speaks of dates and weekday names; an Instance counts days from its start.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace penstock::roster {

/// The day of "2025-12-01"; nothing unless it is a date that exists, in exactly this spelling.
std::optional<std::int64_t> parse_date(std::string_view text);

/// The inverse of parse_date.
std::string format_date(std::int64_t day);

/// Monday is 0. REQUIRES: `day` is not before 1970-01-01.
int weekday_of(std::int64_t day);

/// "Mon" or "Monday", in any case, to 0 and so on; nothing for any other text.
std::optional<int> parse_weekday(std::string_view text);

/// "08:30" to 510; nothing unless it is 00:00 to 24:00 in exactly this spelling.
std::optional<int> parse_time_of_day(std::string_view text);

}  // namespace penstock::roster
