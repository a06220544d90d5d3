// SPDX-License-Identifier: MIT
#include "tests/support/fake_redis.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <stop_token>

namespace penstock::testing {
namespace {

// A stop is looked for so often; nothing waits for it but the end of a test.
constexpr int look_ms = 5;

bool readable(int fd, const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    pollfd waiting{fd, POLLIN, 0};
    if (::poll(&waiting, 1, look_ms) > 0) return true;
  }
  return false;
}

void answer(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t sent = ::send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
}

}  // namespace

FakeRedis::FakeRedis(std::vector<std::vector<std::string>> connections)
    : connections_(std::move(connections)) {
  std::string folder = (std::filesystem::temp_directory_path() / "fake-redis-XXXXXX").string();
  if (!::mkdtemp(folder.data())) throw std::runtime_error("no temporary folder: " + folder);
  folder_ = folder;
  path_ = folder + "/socket";
  sockaddr_un place{};
  place.sun_family = AF_UNIX;
  path_.copy(place.sun_path, sizeof place.sun_path - 1);
  listener_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&place), sizeof place) != 0 ||
      ::listen(listener_, 16) != 0) {
    throw std::runtime_error("cannot listen at " + path_);
  }
  thread_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
}

FakeRedis::~FakeRedis() {
  thread_.request_stop();
  thread_.join();
  ::close(listener_);
  std::filesystem::remove_all(folder_);
}

std::string FakeRedis::text(const std::string& bytes) {
  return "$" + std::to_string(bytes.size()) + "\r\n" + bytes + "\r\n";
}

std::string FakeRedis::greeting(const std::string& version) {
  return "+OK\r\n:7\r\n" + text("# Server\r\nredis_version:" + version + "\r\nrun_id:abc123\r\n");
}

std::string FakeRedis::heard() {
  const std::lock_guard lock(mutex_);
  return heard_;
}

void FakeRedis::serve(const std::stop_token& stop) {
  for (const auto& answers : connections_) {
    if (!readable(listener_, stop)) return;
    const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    auto next = answers.begin();
    char buffer[4096];
    while (readable(fd, stop)) {
      const ssize_t got = ::recv(fd, buffer, sizeof buffer, 0);
      if (got <= 0) break;
      {
        const std::lock_guard lock(mutex_);
        heard_.append(buffer, static_cast<std::size_t>(got));
      }
      if (next == answers.end()) continue;
      if (*next == hang_up) break;
      answer(fd, *next++);
    }
    ::close(fd);
  }
}

}  // namespace penstock::testing
