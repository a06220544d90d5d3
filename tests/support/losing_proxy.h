// SPDX-License-Identifier: MIT
//
// Stands between a store and its server and loses what it is told to lose. A reply is lost after
// the server has done what was asked, which is the case that a caller cannot tell from nothing
// having happened.
#pragma once

#include "tests/support/temp_folder.h"

#include <atomic>
#include <functional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace penstock::testing {

class LosingProxy {
 public:
  enum class Fate : std::uint8_t { pass, lose_request, lose_reply };
  /// Asked on the proxy's thread for all that comes from a client in one piece.
  using Choice = std::function<Fate(std::string_view request)>;

  LosingProxy(std::string server_socket, Choice choice);
  ~LosingProxy();
  LosingProxy(const LosingProxy&) = delete;
  LosingProxy& operator=(const LosingProxy&) = delete;

  [[nodiscard]] std::string socket() const { return (folder_.path() / "proxy.sock").string(); }
  [[nodiscard]] std::string url(const std::string& prefix) const {
    return "redis+unix://" + socket() + "?prefix=" + prefix;
  }
  /// Requests and replies that were lost.
  [[nodiscard]] int lost() const { return lost_; }

 private:
  struct Pair {
    int client = -1, server = -1;
    bool swallows = false;  ///< The next reply is the one to lose.
  };

  void run(const std::stop_token& stop);
  void accept_one();
  /// False when the pair has to go.
  bool carry(Pair& pair, short client_events, short server_events);

  TempFolder folder_;
  std::string server_socket_;
  Choice choice_;
  std::atomic<int> lost_ = 0;
  int listener_ = -1;
  int wake_ = -1;
  std::vector<Pair> pairs_;
  std::jthread thread_;
};

}  // namespace penstock::testing
