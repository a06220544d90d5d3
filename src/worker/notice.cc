// SPDX-License-Identifier: MIT
#include "worker/notice.h"

#include <array>
#include <charconv>
#include <cstdlib>
#include <string_view>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

namespace penstock {
namespace {

constexpr const char* variable = "PENSTOCK_NOTICE";

// The variable must name a socket: it may be inherited from somebody who never meant us.
int open_socket() {
  const char* text = std::getenv(variable);
  if (!text) return -1;
  const std::string_view digits(text);
  int descriptor = -1;
  const auto [end, failed] =
      std::from_chars(digits.data(), digits.data() + digits.size(), descriptor);
  struct stat file {};
  const bool is_socket = failed == std::errc{} && end == digits.data() + digits.size() &&
                         descriptor > STDERR_FILENO && fstat(descriptor, &file) == 0 &&
                         S_ISSOCK(file.st_mode);
  if (!is_socket) return -1;
  fcntl(descriptor, F_SETFD, FD_CLOEXEC);
  return descriptor;
}

bool tell_supervisor(Notice notice) {
  static const int socket = open_socket();
  if (socket < 0) return false;
  const char byte = static_cast<char>(notice);
  // A supervisor that is gone has told this process to end; that must not be cut short by a signal.
  (void)!send(socket, &byte, 1, MSG_NOSIGNAL);
  return true;
}

}  // namespace

void tell_ready() {
  if (!tell_supervisor(Notice::ready)) tell_service_manager("READY=1");
}

void tell_leaving() { tell_supervisor(Notice::leaving); }

void tell_service_manager(const char* state) { sd_notify(0, state); }

std::vector<std::string> environment_with_notice(int descriptor) {
  constexpr std::array dropped = {"PENSTOCK_NOTICE=", "NOTIFY_SOCKET=", "WATCHDOG_"};
  std::vector<std::string> all;
  for (char** one = environ; one && *one; ++one) {
    const std::string_view text(*one);
    bool kept = true;
    for (const char* name : dropped) kept = kept && !text.starts_with(name);
    if (kept) all.emplace_back(text);
  }
  std::string ours = variable;
  ours += '=';
  ours += std::to_string(descriptor);
  all.push_back(std::move(ours));
  return all;
}

}  // namespace penstock
