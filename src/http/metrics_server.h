// SPDX-License-Identifier: MIT
//
// A worker's own small server: GET /metrics for Prometheus, GET /healthz for whoever restarts
// processes. One thread; one request after the other; nothing is read but the request's head.
#pragma once

#include <penstock/result.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace penstock::http {

/// "9464", ":9464", "127.0.0.1:9464", "[::1]:9464".
struct ListenAddress {
  std::string host = "127.0.0.1";
  unsigned short port = 0;
  /// The port may be taken over while another process of this user still listens on it: a worker
  /// and its successor do for a while.
  bool shared = false;
  /// Errors: invalid.
  static Result<ListenAddress> parse(std::string_view text);
  [[nodiscard]] bool is_loopback() const;
};

class MetricsServer {
 public:
  /// `text` is asked for each GET /metrics. Port 0 is one that is free. Errors: unavailable (the
  /// address is in use, or not this machine's).
  static Result<MetricsServer> open(const ListenAddress& address,
                                    std::function<std::string()> text);
  MetricsServer(MetricsServer&&) noexcept;
  ~MetricsServer();
  [[nodiscard]] unsigned short port() const;

 private:
  struct State;
  explicit MetricsServer(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace penstock::http
