// SPDX-License-Identifier: MIT
//
// What a server is asked to do, and what its scripts ask of it in turn: the lines of MONITOR.
#pragma once

#include "tests/support/redis_server.h"

#include <string>
#include <string_view>
#include <vector>

struct redisContext;

namespace penstock::testing {

/// One command that a server has run.
struct Monitored {
  bool by_script = false;
  std::vector<std::string> words = {};
};

/// A line of MONITOR: `1700000000.123456 [0 unix:/run/redis.sock] "SET" "key" "a\nb"`.
Monitored parse_monitored(std::string_view line);

/// Watches a server from its construction on. The server must outlive it.
class RedisMonitor {
 public:
  explicit RedisMonitor(const RedisServer& server);
  ~RedisMonitor();
  RedisMonitor(const RedisMonitor&) = delete;
  RedisMonitor& operator=(const RedisMonitor&) = delete;

  /// All that was run since the last time, by clients and by scripts.
  std::vector<Monitored> take();

 private:
  const RedisServer& server_;
  redisContext* connection_;
  int taken_ = 0;
};

}  // namespace penstock::testing
