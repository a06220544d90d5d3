// SPDX-License-Identifier: MIT
#include "worker/child_worker.h"

#include "worker/notice.h"

#include <cerrno>
#include <csignal>
#include <cstring>

#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace penstock {

Result<std::unique_ptr<ChildWorker>> ChildWorker::start(std::vector<std::string> command) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
    return Error{Errc::unavailable, std::string("cannot make sockets: ") + std::strerror(errno)};
  }
  const auto child = start_child({.command = std::move(command),
                                  .death_signal = SIGTERM,
                                  .environment = environment_with_notice(ends[1]),
                                  .keep_open = ends[1]});
  close(ends[1]);
  if (!child) {
    close(ends[0]);
    return child.error();
  }
  return std::unique_ptr<ChildWorker>(new ChildWorker(*child, ends[0]));
}

ChildWorker::ChildWorker(pid_t pid, int notices)
    : pid_(pid),
      end_(static_cast<int>(syscall(SYS_pidfd_open, pid, 0))),
      notices_(notices),
      started_(real_clock().steady()) {}

ChildWorker::~ChildWorker() {
  if (end_ >= 0) close(end_);
  close(notices_);
}

void ChildWorker::listen() {
  char said[16];
  while (!silent_) {
    const ssize_t got = read(notices_, said, sizeof said);
    if (got == 0) silent_ = true;  // It has closed its end, or died.
    if (got <= 0) return;
    for (ssize_t i = 0; i < got; ++i) {
      ready_ = ready_ || said[i] == static_cast<char>(Notice::ready);
      leaving_ = leaving_ || said[i] == static_cast<char>(Notice::leaving);
    }
  }
}

void ChildWorker::signal(int number) const { kill(pid_, number); }

}  // namespace penstock
