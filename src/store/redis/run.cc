// SPDX-License-Identifier: MIT
#include "store/redis/redis_store.h"

namespace penstock::redis {

Result<Signalled> RedisStore::signal(const SignalCall& /*call*/) {
  return Error{Errc::internal, "runs on Redis are being built"};
}

}  // namespace penstock::redis
