// SPDX-License-Identifier: MIT
#pragma once

#include "store/redis/clock.h"
#include "store/redis/connection.h"

#include <penstock/client.h>

namespace penstock::redis {

Result<Health> check_server(Connection& connection, const Address& address, ServerClock& clock);

}  // namespace penstock::redis
