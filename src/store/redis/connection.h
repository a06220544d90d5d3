// SPDX-License-Identifier: MIT
//
// One connection to one Redis: commands are collected, go out in one write, and are answered
// together.
//
//   connection.command({"HGET", key, "layout"});
//   connection.call(scripts::finish, keys, arguments);
//   auto replies = connection.exchange();   // Two replies, valid until the next exchange.
//
// An exchange that fails closes the connection: a reply that comes late is never taken for that of
// another call. Whether its commands took effect is then not known. The next exchange connects
// again, at once after the first failure, then with growing pauses in which it answers
// `unavailable` without waiting. Nothing here sleeps.
#pragma once

#include "store/redis/address.h"
#include "store/redis/limits.h"
#include "store/redis/reply.h"
#include "store/redis/request.h"
#include "store/redis/script.h"
#include "store/redis/transport.h"

#include <penstock/clock.h>
#include <penstock/result.h>

#include <array>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::redis {

/// Whom we are talking to; found out anew with every connect.
struct Server {
  std::string version = {};  ///< "7.0.15"
  std::string run_id = {};   ///< Another one after every restart of the server.
};

/// Not thread-safe. Owns its socket.
class Connection {
 public:
  using Words = std::span<const std::string_view>;
  using Greeting = std::function<Result<void>(Connection&)>;

  /// Connects. Errors: unavailable (nobody there: refused, no such host or socket, time-out),
  /// denied (account), conflict (the server is too old), limited (REDIS_MAX_CONNECTIONS), invalid
  /// (no such database). `clock` must outlive it.
  static Result<std::unique_ptr<Connection>> open(const Address& address, const Timeouts& timeouts,
                                                  Clock& clock = real_clock());
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// Runs `greeting` now, and from now on after every connect, before anything else is sent. An
  /// error of it closes the connection, and the exchange that had connected answers with it.
  Result<void> greet(Greeting greeting);

  /// Appends one command. The words are copied.
  void command(Words words);
  void command(std::initializer_list<std::string_view> words) { command(Words(words)); }
  /// Appends a call of a script, which must outlive the exchange.
  void call(const Script& script, Words keys, Words arguments);
  /// How many are appended.
  [[nodiscard]] std::size_t appended() const { return request_.size(); }

  /// Sends what was appended and reads one reply for each. An error reply is a reply like others.
  /// A script that the server does not know is loaded and its calls sent again, then after the
  /// commands that were appended behind them: where the order matters, make two exchanges.
  /// Errors: unavailable (see above), or what connecting answers.
  Result<std::span<const Reply>> exchange();
  /// The exchange of a single command; an error reply becomes an Error (errors.h).
  Result<Reply> one();

  // Blocking commands, on a connection of their own.

  /// Sends what was appended (no calls of scripts) and does not wait for replies.
  Result<void> send();
  /// The next reply to what was sent; nothing when it is not there at `deadline`. A deadline in the
  /// past looks and does not wait. Errors: unavailable, also when nothing is awaited.
  Result<std::optional<Reply>> receive(SteadyTime deadline);
  /// Replies that send() is owed. An exchange with some left begins with a new connection.
  [[nodiscard]] std::size_t awaited() const { return awaited_; }
  /// To poll beside others; -1 when there is no connection.
  [[nodiscard]] int fd() const { return transport_ ? transport_->fd() : -1; }
  /// The server's number of this connection, for CLIENT UNBLOCK; 0 when it would not tell.
  [[nodiscard]] std::int64_t client_id() const { return client_id_; }

  [[nodiscard]] bool connected() const { return transport_ != nullptr; }
  /// Closes it; the next exchange connects again.
  void drop();
  [[nodiscard]] const Server& server() const { return server_; }
  [[nodiscard]] const Address& address() const { return address_; }
  /// "redis at 127.0.0.1:6379", for messages.
  [[nodiscard]] const std::string& where() const { return where_; }
  Clock& clock() { return clock_; }

 private:
  Connection(const Address& address, const Timeouts& timeouts, Clock& clock, ConnectionPlace place);

  // connecting.cc: connect, reconnect, introduce ourselves.
  Result<void> ensure_connected();
  Result<void> connect();
  Result<void> read_introduction(std::span<const Reply> replies);
  [[nodiscard]] Error too_early() const;

  Result<void> round_trip(const Request& request, std::vector<Reply>& into);
  Result<void> read_replies(std::size_t count, std::vector<Reply>& into);
  Result<void> send_unknown_again();

  Address address_;
  Timeouts timeouts_;
  Clock& clock_;
  ConnectionPlace place_;
  std::string where_;
  Greeting greeting_ = {};

  std::unique_ptr<Transport> transport_ = {};  // Null: not connected.
  bool connecting_ = false;
  int failures_ = 0;  // Connects in a row that failed.
  SteadyTime next_try_{};
  std::optional<Error> last_failure_ = {};
  Server server_ = {};
  std::int64_t client_id_ = 0;

  Request request_ = {};    // What was appended.
  Request held_back_ = {};  // What was appended, while we connect.
  Request spare_ = {};      // Scripts that the server did not know, and their calls.
  ReplyReader reader_ = {};
  std::vector<Reply> replies_ = {}, again_ = {};
  std::size_t awaited_ = 0;
  std::array<char, 64 << 10> buffer_;
};

}  // namespace penstock::redis
