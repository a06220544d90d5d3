// SPDX-License-Identifier: MIT
//
// How long to wait for a Redis, and how many connections a process may have to all of them.
#pragma once

#include <penstock/clock.h>
#include <penstock/result.h>

#include <functional>
#include <string>

namespace penstock::redis {

struct Timeouts {
  Duration connect{2000};   ///< For each address of a host. REDIS_CONNECT_TIMEOUT, in seconds.
  Duration call{5000};      ///< For one exchange. REDIS_SOCKET_TIMEOUT, in seconds.
  int max_connections = 0;  ///< In this process; 0: any number. REDIS_MAX_CONNECTIONS.
};

/// What the environment asks for; `variable` gives the value of one, empty when it is not set.
/// Errors: invalid (which variable, which value).
Result<Timeouts> read_timeouts(const std::function<std::string(const char*)>& variable);
/// The same, of this process's environment.
Result<Timeouts> environment_timeouts();

/// A place among the connections of this process; given back when it goes.
class ConnectionPlace {
 public:
  /// Errors: limited, when `most` are in use (0: any number).
  static Result<ConnectionPlace> take(int most);
  ConnectionPlace(ConnectionPlace&& other) noexcept : taken_(std::exchange(other.taken_, false)) {}
  ConnectionPlace& operator=(ConnectionPlace&&) = delete;
  ~ConnectionPlace();

 private:
  ConnectionPlace() = default;
  bool taken_ = true;
};

}  // namespace penstock::redis
