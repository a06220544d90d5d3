// SPDX-License-Identifier: MIT
//
// A stream of bytes to and from a server. The one there is is a socket; an encrypted one would be
// another. Every call ends in time, and after one that failed nothing more may be sent or read:
// what was under way could be taken for the answer to something else.
#pragma once

#include "store/redis/address.h"
#include "store/redis/limits.h"

#include <penstock/clock.h>

#include <cstddef>
#include <memory>
#include <span>
#include <string_view>

namespace penstock::redis {

/// Not thread-safe. Errors, of all: unavailable.
class Transport {
 public:
  virtual ~Transport() = default;

  /// All of it, within the call time-out.
  virtual Result<void> write(std::string_view bytes) = 0;
  /// At least one byte, within the call time-out.
  virtual Result<std::size_t> read(std::span<char> into) = 0;
  /// What has come already; 0 when nothing has.
  virtual Result<std::size_t> read_now(std::span<char> into) = 0;
  /// Becomes readable when there may be something for read_now().
  [[nodiscard]] virtual int fd() const = 0;
};

/// Errors: unavailable (which way it failed is in the message), denied (socket file).
Result<std::unique_ptr<Transport>> connect_socket(const Address& address, const Timeouts& timeouts);

/// Waits until `fd` is readable, or for `most`. True: it is (or is broken, which a read will say).
bool wait_readable(int fd, std::chrono::nanoseconds most);

}  // namespace penstock::redis
