// SPDX-License-Identifier: MIT
//
// Amounts of bytes as people write them: "512MB", "64KiB". A bare number is refused, because nobody
// remembers whether it meant kilobytes.
#pragma once

#include <penstock/result.h>

#include <cstdint>
#include <string>
#include <string_view>

namespace penstock::rules {

/// Parses [0-9]+(B|KB|MB|GB|TB|KiB|MiB|GiB|TiB); thousands without the i, 1024 with it. Errors:
/// invalid (no unit, zero, more than 1,000 TiB).
Result<std::int64_t> parse_bytes(std::string_view text);
/// The largest unit that divides it: 1048576 is "1MiB", 1500 is "1500B".
std::string format_bytes(std::int64_t bytes);

}  // namespace penstock::rules
