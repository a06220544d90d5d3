// SPDX-License-Identifier: MIT
//
// The socket is a blocking one with the kernel's own time-outs, so that an exchange is one send and
// one recv: a non-blocking one would need a poll between them. Only connecting is non-blocking,
// because its time-out cannot be set otherwise.
#include "store/redis/transport.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <string>

namespace penstock::redis {
namespace {

Error unavailable(std::string message) { return Error{Errc::unavailable, std::move(message)}; }

std::string in_seconds(Duration time) {
  std::string text = std::to_string(static_cast<double>(time.count()) / 1000);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.ends_with('.')) text.pop_back();
  return text + " s";
}

class Socket : public Transport {
 public:
  Socket(int fd, Duration call, std::string where)
      : fd_(fd), call_(call), where_(std::move(where)) {}
  ~Socket() override { ::close(fd_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  Result<void> write(std::string_view bytes) override {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent < 0 && errno == EINTR) continue;
      if (sent < 0) return broken("writing");
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return {};
  }

  Result<std::size_t> read(std::span<char> into) override {
    while (true) {
      const ssize_t got = ::recv(fd_, into.data(), into.size(), 0);
      if (got > 0) return static_cast<std::size_t>(got);
      if (got == 0) return unavailable(where_ + " ended the connection");
      if (errno != EINTR) return broken("reading");
    }
  }

  Result<std::size_t> read_now(std::span<char> into) override {
    while (true) {
      const ssize_t got = ::recv(fd_, into.data(), into.size(), MSG_DONTWAIT);
      if (got > 0) return static_cast<std::size_t>(got);
      if (got == 0) return unavailable(where_ + " ended the connection");
      if (errno == EAGAIN || errno == EWOULDBLOCK) return std::size_t{0};
      if (errno != EINTR) return broken("reading");
    }
  }

  [[nodiscard]] int fd() const override { return fd_; }

 private:
  [[nodiscard]] Error broken(const char* what) const {
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      return unavailable(where_ + " did not answer within " + in_seconds(call_) +
                         ": look at its load, or raise REDIS_SOCKET_TIMEOUT");
    }
    return unavailable(where_ + ": " + what + " failed: " + std::strerror(errno));
  }

  int fd_;
  Duration call_;
  std::string where_;
};

// One place to connect to; a name may stand for several.
struct Target {
  sockaddr_storage address = {};
  socklen_t size = 0;
};

Result<std::vector<Target>> resolve(const Address& address) {
  std::vector<Target> targets;
  if (!address.unix_path.empty()) {
    sockaddr_un place{};
    place.sun_family = AF_UNIX;
    if (address.unix_path.size() >= sizeof place.sun_path) {
      return Error{Errc::invalid, "the socket path " + address.unix_path + " is too long"};
    }
    std::memcpy(place.sun_path, address.unix_path.data(), address.unix_path.size());
    Target& target = targets.emplace_back();
    std::memcpy(&target.address, &place, sizeof place);
    target.size = sizeof place;
    return targets;
  }
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_NUMERICSERV;
  addrinfo* found = nullptr;
  const std::string port = std::to_string(address.port);
  const int failed = ::getaddrinfo(address.host.c_str(), port.c_str(), &wanted, &found);
  if (failed == EAI_NONAME) {
    return unavailable(where(address) + ": no such host \"" + address.host +
                       "\": check the name in the store URL");
  }
  if (failed != 0) {
    return unavailable(where(address) + ": the host \"" + address.host +
                       "\" could not be looked up: " + ::gai_strerror(failed));
  }
  for (const addrinfo* one = found; one; one = one->ai_next) {
    if (one->ai_addrlen > sizeof(sockaddr_storage)) continue;
    Target& target = targets.emplace_back();
    std::memcpy(&target.address, one->ai_addr, one->ai_addrlen);
    target.size = one->ai_addrlen;
  }
  ::freeaddrinfo(found);
  return targets;
}

Error connect_error(const Address& address, int error, Duration limit) {
  const std::string at = where(address);
  const bool file = !address.unix_path.empty();
  switch (error) {
    case ECONNREFUSED:
      return unavailable(at +
                         ": nothing listens there (connection refused): start redis-server, or "
                         "name another store");
    case ENOENT:
      return unavailable(at + ": there is no such socket: start redis-server, or check the path");
    case EACCES:
    case EPERM:
      return Error{file ? Errc::denied : Errc::unavailable,
                   at + ": this user may not connect (" + std::strerror(error) + "): check " +
                       (file ? "the permissions of the socket and its folder" : "the firewall")};
    case ETIMEDOUT:
    case EAGAIN:
      return unavailable(at + ": no answer within " + in_seconds(limit) +
                         ": check host, port and firewall, or raise REDIS_CONNECT_TIMEOUT");
    default:
      return unavailable(at + ": cannot connect: " + std::strerror(error));
  }
}

// 0, or why there is no connection.
int await_connect(int fd, Duration limit) {
  pollfd waiting{fd, POLLOUT, 0};
  int ready = 0;
  do {
    ready = ::poll(&waiting, 1, static_cast<int>(limit.count()));
  } while (ready < 0 && errno == EINTR);
  if (ready == 0) return ETIMEDOUT;
  int error = 0;
  socklen_t size = sizeof error;
  if (ready < 0 || ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
  return error;
}

int connect_one(int fd, const Target& target, Duration limit) {
  const auto* address = reinterpret_cast<const sockaddr*>(&target.address);
  if (::connect(fd, address, target.size) == 0) return 0;
  // EAGAIN is a unix socket whose queue of connections is full: nobody accepts.
  return errno == EINPROGRESS || errno == EINTR ? await_connect(fd, limit) : errno;
}

void set(int fd, int level, int option, int value) {
  ::setsockopt(fd, level, option, &value, sizeof value);
}

// A peer that is gone without a word (power, network) is noticed after about 25 s of silence; a
// call that is under way has its own, shorter limit.
void settle(int fd, bool tcp, Duration call) {
  timeval limit{};
  limit.tv_sec = call.count() / 1000;
  limit.tv_usec = call.count() % 1000 * 1000;
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
  ::setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (!tcp) return;
  set(fd, IPPROTO_TCP, TCP_NODELAY, 1);
  set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
  set(fd, IPPROTO_TCP, TCP_KEEPIDLE, 10);
  set(fd, IPPROTO_TCP, TCP_KEEPINTVL, 5);
  set(fd, IPPROTO_TCP, TCP_KEEPCNT, 3);
}

bool make_blocking(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  return flags >= 0 && ::fcntl(fd, F_SETFL, flags & ~O_NONBLOCK) == 0;
}

}  // namespace

Result<std::unique_ptr<Transport>> connect_socket(const Address& address,
                                                  const Timeouts& timeouts) {
  const auto targets = resolve(address);
  if (!targets) return targets.error();
  int error = ENOENT;
  for (const Target& target : *targets) {
    const int kind = SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK;
    const int fd = ::socket(target.address.ss_family, kind, 0);
    if (fd < 0) {
      error = errno;
      continue;
    }
    auto socket = std::make_unique<Socket>(fd, timeouts.call, where(address));
    error = connect_one(fd, target, timeouts.connect);
    if (error != 0) continue;
    settle(fd, address.unix_path.empty(), timeouts.call);
    if (!make_blocking(fd)) return connect_error(address, errno, timeouts.connect);
    return std::unique_ptr<Transport>(std::move(socket));
  }
  return connect_error(address, error, timeouts.connect);
}

bool wait_readable(int fd, std::chrono::nanoseconds most) {
  pollfd waiting{fd, POLLIN, 0};
  const auto left = std::max<std::int64_t>(0, most.count());
  timespec limit{};
  limit.tv_sec = left / 1'000'000'000;
  limit.tv_nsec = left % 1'000'000'000;
  return ::ppoll(&waiting, 1, &limit, nullptr) > 0;
}

}  // namespace penstock::redis
