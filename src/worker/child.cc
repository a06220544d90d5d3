// SPDX-License-Identifier: MIT
#include "worker/child.h"

#include "rules/name.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <sstream>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

namespace penstock {
namespace {

// Everything that the child needs, made before it is: it shares our memory and may not allocate.
struct Prepared {
  const ChildStart& start;
  std::vector<char*> arguments, environment = {};
  pid_t parent = 0;
  int report = -1;  // Takes errno when the program cannot be loaded; loading it closes it.
};

std::vector<char*> pointers(const std::vector<std::string>& words) {
  std::vector<char*> all;
  for (const std::string& word : words) all.push_back(const_cast<char*>(word.c_str()));
  all.push_back(nullptr);
  return all;
}

// One of the three standard descriptors. What is made of 0, 1 or 2 themselves was moved away.
bool place(int from, int to) { return from < 0 || dup2(from, to) == to; }

void limit(int what, std::int64_t soft, std::int64_t hard) {
  const rlimit limits{.rlim_cur = static_cast<rlim_t>(soft), .rlim_max = static_cast<rlim_t>(hard)};
  setrlimit(static_cast<__rlimit_resource>(what), &limits);
}

// In the child, between its birth and the program: only system calls. Returns when it went wrong.
void become(const Prepared& prepared) {
  const ChildStart& start = prepared.start;
  setpgid(0, 0);  // Ctrl+C is for the parent; and the group is what is killed.
  if (start.announce_to >= 0) {
    const pid_t self = getpid();
    if (send(start.announce_to, &self, sizeof self, MSG_NOSIGNAL) != sizeof self) return;
  }
  if (start.death_signal != 0) prctl(PR_SET_PDEATHSIG, start.death_signal);
  if (getppid() != prepared.parent) _exit(127);  // It died before the line above.
  int input = start.input, output = start.output, errors = start.errors;
  for (int* one : {&input, &output, &errors}) {
    if (*one >= 0 && *one <= STDERR_FILENO) *one = fcntl(*one, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  }
  const bool placed =
      place(input, STDIN_FILENO) && place(output, STDOUT_FILENO) && place(errors, STDERR_FILENO);
  if (!placed) return;
  if (!start.folder.empty() && chdir(start.folder.c_str()) != 0) return;
  if (start.keep_open >= 0) fcntl(start.keep_open, F_SETFD, 0);
  if (start.memory_bytes) limit(RLIMIT_AS, *start.memory_bytes, *start.memory_bytes);
  // SIGXCPU can be caught; what goes on for five seconds more is killed.
  if (start.cpu_seconds) limit(RLIMIT_CPU, *start.cpu_seconds, *start.cpu_seconds + 5);
  if (start.sealed) {
    limit(RLIMIT_CORE, 0, 0);
    // Ours are marked already; others of this process may not be.
    close_range(STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
  }
  struct sigaction usual {};
  usual.sa_handler = SIG_DFL;
  for (int number = 1; number < NSIG; ++number) sigaction(number, &usual, nullptr);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, nullptr);
  char** const environment =
      start.environment ? const_cast<char**>(prepared.environment.data()) : environ;
  // Only names are searched for: execvpe would hand a file that is no program to a shell.
  if (std::strchr(prepared.arguments[0], '/')) {
    execve(prepared.arguments[0], prepared.arguments.data(), environment);
  } else {
    execvpe(prepared.arguments[0], prepared.arguments.data(), environment);
  }
}

// vfork: a copy of this process's page tables, which may be large, would be thrown away at once.
[[gnu::noinline]] pid_t bear(const Prepared& prepared) {
  const pid_t child = vfork();
  if (child != 0) return child;
  become(prepared);
  const int why = errno;
  (void)!write(prepared.report, &why, sizeof why);
  _exit(127);
}

bool can_be_run(const std::string& path) {
  struct stat file {};
  return stat(path.c_str(), &file) == 0 && S_ISREG(file.st_mode) && access(path.c_str(), X_OK) == 0;
}

}  // namespace

std::string ChildEnd::describe() const {
  std::string text = signal != 0
                         ? "signal " + std::to_string(signal) + " (" + strsignal(signal) + ")"
                         : "exit code " + std::to_string(exit_code);
  const bool known = peak_rss_kib > parent_peak_kib;
  return text + (known ? ", peak " : ", peak under ") +
         std::to_string(known ? peak_rss_kib / 1024 : parent_peak_kib / 1024 + 1) + " MiB";
}

Result<pid_t> start_child(const ChildStart& start) {
  Prepared prepared{.start = start, .arguments = pointers(start.command), .parent = getpid()};
  if (start.environment) prepared.environment = pointers(*start.environment);
  int report[2];
  if (pipe2(report, O_CLOEXEC) != 0) {
    return Error{Errc::unavailable, std::string("cannot make a pipe: ") + std::strerror(errno)};
  }
  prepared.report = report[1];
  // The child runs in our memory until the program is loaded: no handler of ours may run there.
  sigset_t all, before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  const pid_t child = bear(prepared);
  const int birth_error = errno;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  close(report[1]);
  if (child < 0) {
    close(report[0]);
    return Error{Errc::unavailable,
                 std::string("cannot start a process: ") + std::strerror(birth_error)};
  }
  int why = 0;
  const ssize_t got = read(report[0], &why, sizeof why);
  close(report[0]);
  if (got == sizeof why) {
    const pid_t nobody = -child;  // Before its number can be given to somebody else.
    if (start.announce_to >= 0)
      (void)!send(start.announce_to, &nobody, sizeof nobody, MSG_NOSIGNAL);
    waitpid(child, nullptr, 0);
    return Error{Errc::unavailable,
                 "cannot start " + start.command.front() + ": " + std::strerror(why)};
  }
  return child;
}

Result<pid_t> start_child(const std::vector<std::string>& command, int death_signal) {
  return start_child({.command = command, .death_signal = death_signal});
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

Result<std::string> find_program(const std::string& name) {
  const std::string shown = "program \"" + rules::printable(name) + "\"";
  if (name.find('/') != std::string::npos) {
    if (can_be_run(name)) return name;
    if (access(name.c_str(), F_OK) != 0) {
      return Error{Errc::not_found, shown + " does not exist: check the path"};
    }
    return Error{Errc::denied, shown + " cannot be run: chmod +x, or name its interpreter first"};
  }
  const char* set = std::getenv("PATH");
  std::istringstream folders(set ? set : "/usr/local/bin:/usr/bin:/bin");
  for (std::string folder; std::getline(folders, folder, ':');) {
    const std::string path = (folder.empty() ? "." : folder) + "/" + name;
    if (can_be_run(path)) return path;
  }
  return Error{Errc::not_found, shown + " is not found in PATH: install it, or give its path"};
}

}  // namespace penstock
