// SPDX-License-Identifier: MIT
#include "tests/support/losing_proxy.h"

#include <array>
#include <cstring>
#include <stdexcept>

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

namespace penstock::testing {
namespace {

constexpr std::size_t piece_bytes = std::size_t{4} << 20;  // A whole batch in one piece.

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) throw std::runtime_error("too long: " + path);
  std::strcpy(address.sun_path, path.c_str());
  return address;
}

bool write_all(int to, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = send(to, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return true;
}

}  // namespace

LosingProxy::LosingProxy(std::string server_socket, Choice choice)
    : server_socket_(std::move(server_socket)), choice_(std::move(choice)) {
  listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  wake_ = eventfd(0, EFD_CLOEXEC);
  const sockaddr_un address = address_of(socket());
  if (bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      listen(listener_, 64) != 0) {
    throw std::runtime_error("cannot listen on " + socket());
  }
  thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
}

LosingProxy::~LosingProxy() {
  thread_.request_stop();
  eventfd_write(wake_, 1);
  thread_.join();
  for (const Pair& pair : pairs_) {
    close(pair.client);
    close(pair.server);
  }
  close(listener_);
  close(wake_);
}

void LosingProxy::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    std::vector<pollfd> watched{{wake_, POLLIN, 0}, {listener_, POLLIN, 0}};
    for (const Pair& pair : pairs_) {
      watched.push_back({pair.client, POLLIN, 0});
      watched.push_back({pair.server, POLLIN, 0});
    }
    poll(watched.data(), watched.size(), -1);
    std::vector<Pair> kept;
    for (std::size_t i = 0; i < pairs_.size(); ++i) {
      if (carry(pairs_[i], watched[2 + 2 * i].revents, watched[3 + 2 * i].revents)) {
        kept.push_back(pairs_[i]);
      } else {
        close(pairs_[i].client);
        close(pairs_[i].server);
      }
    }
    pairs_ = std::move(kept);
    if (watched[1].revents != 0) accept_one();
  }
}

void LosingProxy::accept_one() {
  const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (client < 0) return;
  const int server = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const sockaddr_un address = address_of(server_socket_);
  if (connect(server, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
    pairs_.push_back({client, server});
    return;
  }
  close(client);
  close(server);
}

bool LosingProxy::carry(Pair& pair, short client_events, short server_events) {
  static thread_local std::string buffer(piece_bytes, '\0');
  if (server_events != 0) {
    const ssize_t got = recv(pair.server, buffer.data(), buffer.size(), 0);
    if (got <= 0) return false;
    if (pair.swallows) {
      ++lost_;
      return false;
    }
    if (!write_all(pair.client, {buffer.data(), static_cast<std::size_t>(got)})) return false;
  }
  if (client_events != 0) {
    const ssize_t got = recv(pair.client, buffer.data(), buffer.size(), 0);
    if (got <= 0) return false;
    const std::string_view request(buffer.data(), static_cast<std::size_t>(got));
    const Fate fate = choice_(request);
    if (fate == Fate::lose_request) {
      ++lost_;
      return false;
    }
    if (!write_all(pair.server, request)) return false;
    if (fate == Fate::lose_reply) pair.swallows = true;
  }
  return true;
}

}  // namespace penstock::testing
