// SPDX-License-Identifier: MIT
#include "worker/child.h"

#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace penstock {

std::string ChildEnd::describe() const {
  std::string text = signal != 0
                         ? "signal " + std::to_string(signal) + " (" + strsignal(signal) + ")"
                         : "exit code " + std::to_string(exit_code);
  return text + ", peak " + std::to_string(peak_rss_kib / 1024) + " MiB";
}

Result<pid_t> start_child(const std::vector<std::string>& command, int death_signal) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  int report[2];  // The child writes errno here when exec fails; a successful exec closes it.
  if (pipe2(report, O_CLOEXEC) != 0) {
    return Error{Errc::unavailable, std::string("cannot make a pipe: ") + std::strerror(errno)};
  }
  const pid_t parent = getpid();
  const pid_t child = fork();
  if (child == 0) {
    // Between fork and exec only what is safe after fork in a program with threads.
    prctl(PR_SET_PDEATHSIG, death_signal);
    setpgid(0, 0);                        // Ctrl+C is for the parent, which passes it on once.
    if (getppid() != parent) _exit(127);  // It died before the line above.
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    execvp(arguments[0], arguments.data());
    const int why = errno;
    (void)!write(report[1], &why, sizeof why);
    _exit(127);
  }
  const int fork_error = errno;
  close(report[1]);
  if (child < 0) {
    close(report[0]);
    return Error{Errc::unavailable,
                 std::string("cannot start a process: ") + std::strerror(fork_error)};
  }
  int why = 0;
  const ssize_t got = read(report[0], &why, sizeof why);
  close(report[0]);
  if (got == sizeof why) {
    waitpid(child, nullptr, 0);
    return Error{Errc::unavailable, "cannot start " + command.front() + ": " + std::strerror(why)};
  }
  return child;
}

std::optional<ChildEnd> reap(pid_t pid) {
  int status = 0;
  rusage usage{};
  if (wait4(pid, &status, WNOHANG, &usage) != pid) return std::nullopt;
  ChildEnd end{.pid = pid, .peak_rss_kib = usage.ru_maxrss};
  if (WIFSIGNALED(status)) {
    end.signal = WTERMSIG(status);
  } else {
    end.exit_code = WEXITSTATUS(status);
  }
  return end;
}

}  // namespace penstock
