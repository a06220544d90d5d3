// SPDX-License-Identifier: MIT
#include "store/redis/limits.h"

#include "rules/name.h"

#include <atomic>
#include <charconv>
#include <cmath>
#include <cstdlib>

namespace penstock::redis {
namespace {

std::atomic<int> connections{0};

Result<void> read_seconds(const char* name, const std::string& text, Duration& into) {
  if (text.empty()) return {};
  double seconds = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  const bool number = failed == std::errc() && end == text.data() + text.size();
  if (!number || !(seconds >= 0.001) || seconds > 3600) {
    return Error{Errc::invalid, std::string(name) + "=\"" + rules::printable(text) +
                                    "\" is no number of seconds between 0.001 and 3600"};
  }
  into = Duration(std::llround(seconds * 1000));
  return {};
}

Result<void> read_count(const char* name, const std::string& text, int& into) {
  if (text.empty()) return {};
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), into);
  if (failed != std::errc() || end != text.data() + text.size() || into < 1) {
    std::string message = name;
    message += "=\"" + rules::printable(text) + "\" is no number of connections from 1";
    return Error{Errc::invalid, std::move(message)};
  }
  return {};
}

}  // namespace

Result<Timeouts> read_timeouts(const std::function<std::string(const char*)>& variable) {
  Timeouts read;
  const auto seconds = [&](const char* name, Duration& into) {
    return read_seconds(name, variable(name), into);
  };
  if (auto ok = seconds("REDIS_CONNECT_TIMEOUT", read.connect); !ok) return std::move(ok).error();
  if (auto ok = seconds("REDIS_SOCKET_TIMEOUT", read.call); !ok) return std::move(ok).error();
  constexpr auto most = "REDIS_MAX_CONNECTIONS";
  if (auto ok = read_count(most, variable(most), read.max_connections); !ok) {
    return std::move(ok).error();
  }
  return read;
}

Result<Timeouts> environment_timeouts() {
  return read_timeouts([](const char* name) {
    const char* value = std::getenv(name);
    return std::string(value ? value : "");
  });
}

Result<ConnectionPlace> ConnectionPlace::take(int most) {
  int used = connections.load();
  do {
    if (most > 0 && used >= most) {
      return Error{Errc::limited, "this process has " + std::to_string(used) +
                                      " connections to Redis already, and REDIS_MAX_CONNECTIONS "
                                      "allows " +
                                      std::to_string(most) + ": raise it"};
    }
  } while (!connections.compare_exchange_weak(used, used + 1));
  return ConnectionPlace();
}

ConnectionPlace::~ConnectionPlace() {
  if (taken_) connections.fetch_sub(1);
}

}  // namespace penstock::redis
