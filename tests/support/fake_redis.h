// SPDX-License-Identifier: MIT
//
// A server that says what a test tells it to, for all that a real Redis hardly ever does: old
// versions, silence, half replies, nonsense. It listens on a socket in a folder of its own and
// answers each read with the next of its answers, whatever was asked; when there are no more it
// stays silent.
#pragma once

#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace penstock::testing {

class FakeRedis {
 public:
  static constexpr const char* hang_up = "HANG UP";

  /// For the first connection, the second, and so on. A connection's first answer is the one to its
  /// introduction: greeting().
  explicit FakeRedis(std::vector<std::vector<std::string>> connections);
  ~FakeRedis();
  FakeRedis(const FakeRedis&) = delete;
  FakeRedis& operator=(const FakeRedis&) = delete;

  /// What a server of this version answers to CLIENT SETNAME, CLIENT ID, INFO server.
  static std::string greeting(const std::string& version = "7.0.15");
  /// "$5\r\nhello\r\n".
  static std::string text(const std::string& bytes);

  [[nodiscard]] const std::string& path() const { return path_; }
  /// All that it was sent, on all connections.
  std::string heard();

 private:
  void serve(const std::stop_token& stop);

  std::vector<std::vector<std::string>> connections_;
  std::string folder_, path_;
  int listener_ = -1;
  std::mutex mutex_;
  std::string heard_;
  std::jthread thread_;
};

}  // namespace penstock::testing
