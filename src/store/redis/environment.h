// SPDX-License-Identifier: MIT
//
// The variables in which other programs of a machine name their Redis, read as store URLs, and the
// question whether one answers.
//
//   REDIS_URL             a URL
//   REDIS_HOST            with REDIS_PORT, REDIS_DB, REDIS_PASSWORD
//   ELASTICACHE_ENDPOINT  HOST or HOST:PORT, with the same
//   REDIS_KEY_PREFIX      the prefix of every URL that names none
#pragma once

#include <penstock/clock.h>
#include <penstock/result.h>

#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace penstock::redis {

/// The value of a variable; empty when it is not set.
using Variables = std::function<std::string(const char*)>;
/// Those of this process.
std::string process_variable(const char* name);

struct Alias {
  std::string url = {};
  std::string variable = {};  ///< The one that named it.
};

/// The first that is set. Wrong values are not looked for: the URL will be refused when it is used.
std::optional<Alias> aliased_url(const Variables& variables);
/// Whether `name` is one of the variables that make up a URL; the prefix is no part of it.
bool is_alias(std::string_view name);
/// `url` with REDIS_KEY_PREFIX, if it is one of Redis's and has no prefix.
std::string with_key_prefix(std::string url, const Variables& variables);

/// How long `--store auto` waits for an answer.
inline constexpr Duration auto_patience{300};

/// Whether a Redis answers there. One that answers with a refusal (a password, its version) is
/// there, too. The error of one that does not is `unavailable`.
Result<void> answers(std::string_view url, Duration patience);

}  // namespace penstock::redis
