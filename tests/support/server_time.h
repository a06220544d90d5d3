// SPDX-License-Identifier: MIT
//
// The calendar of a server that a test starts, to be set forth and back while it runs. Only the
// calendar: its monotonic clock goes on, as that of a machine whose clock is set does.
//
//   ServerTime time;
//   RedisServer server({.environment = time.environment()});
//   time.step(std::chrono::hours(1));
#pragma once

#include "tests/support/temp_folder.h"

#include <chrono>
#include <string>
#include <vector>

namespace penstock::testing {

/// Must outlive the server.
class ServerTime {
 public:
  ServerTime();

  /// Throws when the library that does it was not built.
  [[nodiscard]] std::vector<std::string> environment() const;
  /// How far the server's calendar is ahead of ours, from now on.
  void step(std::chrono::seconds ahead);

 private:
  [[nodiscard]] std::filesystem::path file() const { return folder_.path() / "ahead"; }

  TempFolder folder_;
};

}  // namespace penstock::testing
