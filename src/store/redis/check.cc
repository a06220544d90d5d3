// SPDX-License-Identifier: MIT
#include "store/redis/check.h"

namespace penstock::redis {

Result<Health> check_server(Connection& connection, const Address&, ServerClock& clock) {
  Health health;
  health.version = "Redis " + connection.server().version;
  health.clock_offset = clock.offset();
  return health;
}

}  // namespace penstock::redis
