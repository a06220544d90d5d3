// SPDX-License-Identifier: MIT
//
// From an error reply of a server to an Error, in one place. The first word of a reply says what
// kind it is; the rest is for people.
#pragma once

#include "store/redis/reply.h"

#include <penstock/result.h>

#include <string_view>

namespace penstock::redis {

/// `where` says whose reply it is ("redis at /run/redis.sock"). REQUIRES: reply.is_error().
/// The codes: unavailable (nothing was written; try again), limited (maxmemory), denied (account),
/// internal (everything else: a reply that only a bug of ours brings about).
Error to_error(const Reply& reply, std::string_view where);

/// True for the reply to an EVALSHA of a script that the server has not seen.
bool is_unknown_script(const Reply& reply);

}  // namespace penstock::redis
