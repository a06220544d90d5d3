// SPDX-License-Identifier: MIT
//
// How a Connection comes about, and comes back.
#include "rules/name.h"
#include "store/redis/connection.h"
#include "store/redis/errors.h"
#include "store/redis/server_report.h"

#include <unistd.h>

#include <algorithm>
#include <charconv>

namespace penstock::redis {
namespace {

constexpr Duration first_pause{50};
constexpr Duration longest_pause{500};
constexpr int doublings = 4;  // 50 ms << 4 is past the longest pause.
constexpr int needed_major = 6, needed_minor = 2;

Duration pause_after(int failures) {
  return std::min(longest_pause, first_pause * (1 << std::min(failures - 1, doublings)));
}

// "7.0.15" -> is it at least 6.2? What has no such form is not old.
bool is_too_old(std::string_view version) {
  int major = 0, minor = 0;
  const char* end = version.data() + version.size();
  const auto read = std::from_chars(version.data(), end, major);
  if (read.ec != std::errc()) return false;
  if (read.ptr != end) std::from_chars(read.ptr + 1, end, minor);
  return std::pair(major, minor) < std::pair(needed_major, needed_minor);
}

}  // namespace

Result<std::unique_ptr<Connection>> Connection::open(const Address& address,
                                                     const Timeouts& timeouts, Clock& clock) {
  auto place = ConnectionPlace::take(timeouts.max_connections);
  if (!place) return std::move(place).error();
  std::unique_ptr<Connection> connection(
      new Connection(address, timeouts, clock, *std::move(place)));
  if (auto ok = connection->ensure_connected(); !ok) return std::move(ok).error();
  return connection;
}

Result<void> Connection::greet(Greeting greeting) {
  greeting_ = std::move(greeting);
  if (!connected()) return {};
  auto ok = greeting_(*this);
  if (!ok) drop();
  return ok;
}

void Connection::drop() {
  transport_.reset();
  reader_.over();
  replies_.clear();
  awaited_ = 0;
  next_try_ = SteadyTime();
}

Result<void> Connection::ensure_connected() {
  if (transport_) return {};
  if (connecting_) {
    return Error{Errc::unavailable, where_ + ": the connection broke right after it was made"};
  }
  if (last_failure_ && clock_.steady() < next_try_) return too_early();
  connecting_ = true;
  std::swap(request_, held_back_);
  auto ok = connect();
  if (ok && greeting_) ok = greeting_(*this);
  if (ok && !transport_) {
    ok = Error{Errc::unavailable, where_ + ": the connection broke right after it was made"};
  }
  request_.clear();
  std::swap(request_, held_back_);
  connecting_ = false;
  if (ok) {
    failures_ = 0;
    last_failure_.reset();
    return ok;
  }
  drop();
  last_failure_ = ok.error();
  next_try_ = clock_.steady() + pause_after(++failures_);
  return ok;
}

Error Connection::too_early() const {
  const auto left = std::chrono::ceil<Duration>(next_try_ - clock_.steady());
  return Error{last_failure_->code,
               last_failure_->message + " (next try in " + std::to_string(left.count()) + " ms)"};
}

Result<void> Connection::connect() {
  auto made = connect_socket(address_, timeouts_);
  if (!made) return std::move(made).error();
  transport_ = *std::move(made);
  reader_.over();
  if (!address_.password.empty() && address_.user.empty()) command({"AUTH", address_.password});
  if (!address_.user.empty()) command({"AUTH", address_.user, address_.password});
  if (address_.database != 0) command({"SELECT", std::to_string(address_.database)});
  command({"CLIENT", "SETNAME", "penstock-" + std::to_string(::getpid())});
  command({"CLIENT", "ID"});
  command({"INFO", "server"});
  const auto replies = exchange();
  if (!replies) return replies.error();
  return read_introduction(*replies);
}

Result<void> Connection::read_introduction(std::span<const Reply> replies) {
  const Reply& report = replies.back();
  client_id_ = replies[replies.size() - 2].integer();
  for (const Reply& reply : replies) {
    // A user who may not use CLIENT may still be one who can work.
    const bool optional = &reply == &report - 1 || &reply == &report - 2;
    if (!reply.is_error() || optional) continue;
    if (reply.text().starts_with("ERR DB index")) {
      return Error{Errc::invalid, where_ + " has no database " + std::to_string(address_.database) +
                                      ": name another in the store URL"};
    }
    return to_error(reply, where_);
  }
  server_.version = field_of(report.text(), "redis_version");
  server_.run_id = field_of(report.text(), "run_id");
  if (server_.version.empty() || server_.run_id.empty()) {
    return Error{Errc::unavailable, where_ + " does not answer like a Redis: check the store URL"};
  }
  if (is_too_old(server_.version)) {
    return Error{Errc::conflict, where_ + " is version " + rules::printable(server_.version) +
                                     ", and " + std::to_string(needed_major) + "." +
                                     std::to_string(needed_minor) +
                                     " or later is needed: upgrade it, or name another store"};
  }
  return {};
}

}  // namespace penstock::redis
