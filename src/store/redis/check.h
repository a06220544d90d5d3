// SPDX-License-Identifier: MIT
//
// Is this Redis fit to keep jobs? What the server says of itself, as findings: sentences with what
// to do. RedisStore::check adds what the namespace knows.
#pragma once

#include "store/redis/clock.h"
#include "store/redis/connection.h"

#include <penstock/client.h>

#include <string_view>

namespace penstock::redis {

/// Asks the server. Errors: those of an exchange; what an account may not ask becomes a finding.
Result<Health> check_server(Connection& connection, const Address& address, ServerClock& clock);

/// What CONFIG GET answers; empty when the server would not tell.
struct Configured {
  bool told = false;
  std::string_view appendfsync = {}, save = {}, aof_rewrite_min_size = {};
};

/// The same from the answers: `report` is that of INFO.
Health judge(std::string_view report, const Configured& configured);

/// Errors: denied, when jobs could be evicted or forgotten with the server.
Result<void> check_safe(const Health& health);

}  // namespace penstock::redis
