// SPDX-License-Identifier: MIT
//
// A Redis server for a test alone, on a unix socket in a folder of its own, which can be killed,
// stopped, started anew on the same folder, and asked anything. It ends with the thread that
// started it, so that no test run leaves one behind. PENSTOCK_TEST_REDIS=/path/to/redis-server
// tries another version. What goes wrong here throws, with the end of the server's log.
#pragma once

#include "tests/support/temp_folder.h"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include <sys/types.h>

namespace penstock::testing {

/// How a server is started, and started again; a change counts from the next start on.
struct RedisOptions {
  std::string appendfsync = {};  ///< "always", "everysec" or "no"; empty: nothing is on disk.
  bool tcp = false;              ///< Listens on a free loopback port as well.
  std::vector<std::string> config = {};       ///< Lines of redis.conf: "maxmemory 4mb".
  std::vector<std::string> environment = {};  ///< "NAME=value", in front of that of the test.
};

class RedisServer {
 public:
  explicit RedisServer(RedisOptions options = {});
  ~RedisServer();
  RedisServer(const RedisServer&) = delete;
  RedisServer& operator=(const RedisServer&) = delete;

  /// Options for the next start.
  RedisOptions& options() { return options_; }
  [[nodiscard]] std::string socket() const { return (folder_.path() / "redis.sock").string(); }
  [[nodiscard]] int port() const { return port_; }
  [[nodiscard]] pid_t pid() const { return pid_; }
  /// Where its files are; those of the append-only file in "appendonlydir" from version 7 on.
  [[nodiscard]] const std::filesystem::path& folder() const { return folder_.path(); }
  /// "redis+unix:///path/redis.sock?prefix=NAME".
  [[nodiscard]] std::string url(const std::string& prefix) const;
  /// All that it has printed and logged.
  [[nodiscard]] std::string log() const;

  /// Starts the process and returns at once; it may be loading for a while.
  void launch();
  /// Returns when it has loaded everything and answers.
  void await_ready();
  void start();
  /// kill -9; what it had not written is lost.
  void kill();
  /// Asks it to end, so that everything is written.
  void stop();
  /// SIGSTOP and SIGCONT.
  void pause() const;
  void resume() const;

  /// One command on a connection of its own: strings as they are, numbers in decimal, "(nil)",
  /// "(error) TEXT", arrays as "[a, b]". Throws when there is no answer in that time.
  [[nodiscard]] std::string command(
      const std::vector<std::string>& words,
      std::chrono::milliseconds patience = std::chrono::seconds(30)) const;
  /// The elements of an answer that is an array of strings.
  [[nodiscard]] std::vector<std::string> list(const std::vector<std::string>& words) const;

 private:
  void write_config() const;
  [[nodiscard]] std::string explain(const std::string& what) const;
  /// True when the process ended within that time; then it is reaped.
  bool ended_within(std::chrono::milliseconds time);

  TempFolder folder_;
  RedisOptions options_;
  int port_ = 0;
  pid_t owner_;  ///< A forked child has this object too, but not the server.
  pid_t pid_ = 0;
};

/// The server that all stores of this test process share, each behind a prefix of its own.
RedisServer& shared_redis();

}  // namespace penstock::testing
