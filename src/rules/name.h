// SPDX-License-Identifier: MIT
//
// What may be called what: names of queues, tasks and pools, a caller's own ids, tags, and keys.
#pragma once

#include <penstock/result.h>

#include <map>
#include <string>
#include <string_view>

namespace penstock::rules {

/// [A-Za-z0-9_][A-Za-z0-9_.:/-]{0,127}. `what` is how the error calls it: "queue name".
Result<void> check_name(std::string_view what, std::string_view name);
/// 1-128 bytes without blanks, control characters and `|`, with which the stores part fields.
Result<void> check_worker_name(std::string_view name);
/// 1-64 of [A-Za-z0-9._:-]. `what`: "job id" or "run id".
Result<void> check_own_id(std::string_view what, std::string_view id);
/// At most 16 tags; key 1-64 bytes, value at most 256, no control characters.
Result<void> check_tags(const std::map<std::string, std::string>& tags);
/// Unique, fair and idempotency keys: 1-256 bytes without control characters.
Result<void> check_key(std::string_view what, std::string_view key);
/// Length of the UTF-8 sequence at `at`, or 0 when there is none.
std::size_t utf8_length(std::string_view text, std::size_t at);
/// Text from users made safe for one line of output: control bytes and what is no UTF-8 as \xNN, at
/// most `limit` bytes.
std::string printable(std::string_view text, std::size_t limit = 64);
/// A URL, well formed or not, with *** for whatever may be its password.
std::string without_password(std::string_view url);

}  // namespace penstock::rules
