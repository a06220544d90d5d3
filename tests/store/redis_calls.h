// SPDX-License-Identifier: MIT
//
// Every script as the store calls it: a life of jobs and sessions is lived on a server, and each
// call is kept together with the namespace as it was just before, so that a test can do to it what
// it likes.
#pragma once

#include "tests/support/redis_server.h"

#include <string>
#include <vector>

namespace penstock::testing {

/// All keys of a server with their values.
struct Snapshot {
  std::vector<std::string> keys = {}, dumps = {};
};
Snapshot take_snapshot(const RedisServer& server);
/// Makes the server hold exactly this.
void restore(const RedisServer& server, const Snapshot& snapshot);
/// Differs when any key or value does.
std::string digest(const RedisServer& server);
/// The keys whose values are not those of the snapshot.
std::string difference(const RedisServer& server, const Snapshot& before);

/// Makes the server know every script.
void load_scripts(const RedisServer& server);

struct RecordedCall {
  std::string script = {};
  std::vector<std::string> words = {};  ///< EVALSHA, hash, key count, keys, arguments.
  Snapshot before = {};
  [[nodiscard]] std::size_t first_argument() const;
};

/// Calls of every script there is, several of each with different arguments. The scripts are loaded
/// on the server.
std::vector<RecordedCall> record_calls(const RedisServer& server, const std::string& prefix);

}  // namespace penstock::testing
