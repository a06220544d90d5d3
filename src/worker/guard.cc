// SPDX-License-Identifier: MIT
#include "worker/guard.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace penstock {
namespace {

constexpr std::size_t most_groups = 16'384;

// The guard's own memory; in the parent it is never touched, so it costs nothing there.
std::array<pid_t, most_groups> watched;

// All that the guard's process ever does. It was forked from a process with threads, so it makes
// system calls and nothing else. A message is a group to watch, or its negative to forget.
[[noreturn]] void watch() {
  std::size_t count = 0;
  while (true) {
    pid_t group = 0;
    const ssize_t got = recv(STDIN_FILENO, &group, sizeof group, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got != sizeof group) break;
    if (group > 0 && count < most_groups) watched[count++] = group;
    for (std::size_t i = count; group < 0 && i > 0; --i) {
      if (watched[i - 1] != -group) continue;
      --count;
      watched[i - 1] = watched[count];
    }
  }
  for (std::size_t i = 0; i < count; ++i) kill(-watched[i], SIGKILL);
  _exit(0);
}

// Makes the copy of this process a guard: out of reach of the terminal and of signals to its group,
// holding nothing open that others may wait to see closed.
[[noreturn]] void become_guard(int socket) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  setsid();
  prctl(PR_SET_NAME, "penstock-guard");
  if (dup2(socket, STDIN_FILENO) < 0 || chdir("/") != 0) _exit(1);
  if (close_range(STDIN_FILENO + 1, ~0U, 0) != 0) {
    const long most = sysconf(_SC_OPEN_MAX);
    for (long one = STDIN_FILENO + 1; one < most; ++one) close(static_cast<int>(one));
  }
  watch();
}

}  // namespace

Guard& Guard::of_this_process() {
  static auto* const guard = new Guard;  // Not destroyed: its socket closes with the process.
  return *guard;
}

Result<void> Guard::make() {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return Error{Errc::unavailable, std::string("cannot make a socket: ") + std::strerror(errno)};
  }
  const pid_t child = fork();
  if (child == 0) become_guard(ends[1]);
  const int fork_error = errno;
  close(ends[1]);
  if (child < 0) {
    close(ends[0]);
    return Error{Errc::unavailable,
                 std::string("cannot start a guard for programs: ") + std::strerror(fork_error)};
  }
  // The socket of a guard that was killed stays open: a child may be about to write to it.
  if (pid_ > 0) waitpid(pid_, nullptr, WNOHANG);
  socket_ = ends[0];
  owner_ = getpid();
  pid_ = child;
  for (const pid_t group : groups_) tell(group);
  return {};
}

bool Guard::is_there() const {
  if (socket_ < 0) return false;
  char nothing = 0;
  const ssize_t got = recv(socket_, &nothing, 1, MSG_PEEK | MSG_DONTWAIT);
  return got < 0 && (errno == EAGAIN || errno == EINTR);
}

bool Guard::tell(pid_t group) const {
  return send(socket_, &group, sizeof group, MSG_NOSIGNAL) == sizeof group;
}

Result<int> Guard::announce_to() {
  const std::lock_guard lock(mutex_);
  if (socket_ >= 0 && owner_ != getpid()) {
    close(socket_);
    socket_ = -1;
    pid_ = 0;
    groups_.clear();
  }
  if (groups_.size() >= most_groups / 2) {
    return Error{Errc::limited, "too many programs run already: " + std::to_string(groups_.size())};
  }
  if (!is_there()) {
    if (auto made = make(); !made) return std::move(made).error();
  }
  return socket_;
}

void Guard::started(pid_t group) {
  const std::lock_guard lock(mutex_);
  groups_.insert(group);
}

void Guard::ended(pid_t group) {
  const std::lock_guard lock(mutex_);
  groups_.erase(group);
  tell(-group);
}

pid_t Guard::pid() const {
  const std::lock_guard lock(mutex_);
  return pid_;
}

}  // namespace penstock
