// SPDX-License-Identifier: MIT
#include "worker/program_child.h"

#include "worker/guard.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <fstream>

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace penstock {
namespace {

Error failed(std::string_view what) {
  return Error{Errc::unavailable, std::string(what) + ": " + std::strerror(errno)};
}

// Our end does not block; the program's does, as every program expects of its stdout.
Result<void> make_pipe(Descriptor& ours, Descriptor& theirs) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return failed("cannot make a pipe for a program");
  ours = Descriptor(ends[0]);
  theirs = Descriptor(ends[1]);
  fcntl(ours.number(), F_SETFL, O_NONBLOCK);
  return {};
}

// getrusage would count in what this process was before it became what it is.
long own_peak_kib() {
  std::ifstream status("/proc/self/status");
  constexpr std::string_view peak = "VmHWM:";
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(peak)) return std::atol(line.c_str() + peak.size());
  }
  return 0;
}

std::optional<std::int64_t> whole_seconds(const std::optional<Duration>& time) {
  if (!time) return std::nullopt;
  return (time->count() + 999) / 1000;
}

}  // namespace

void Descriptor::shut() {
  if (number_ >= 0) close(number_);
  number_ = -1;
}

StopBell::StopBell() : event_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void StopBell::Ring::operator()() const {
  const std::uint64_t one = 1;
  (void)!write(descriptor, &one, sizeof one);
}

void StopBell::follow(const std::stop_token& stop) {
  token_ = stop;
  callback_.emplace(stop, Ring{event_.number()});
}

void StopBell::unfollow() {
  callback_.reset();  // It does not ring any more when this has returned.
  if (!token_.stop_requested()) return;
  std::uint64_t rung = 0;
  (void)!read(event_.number(), &rung, sizeof rung);
}

Result<ProgramChild> ProgramChild::start(const Start& start) {
  auto guarded = Guard::of_this_process().announce_to();
  if (!guarded) return std::move(guarded).error();
  ProgramChild child;
  Descriptor output, errors;
  if (auto made = make_pipe(child.output_, output); !made) return std::move(made).error();
  if (auto made = make_pipe(child.errors_, errors); !made) return std::move(made).error();
  ChildStart how{.command = start.program.command,
                 .folder = start.program.folder,
                 .death_signal = SIGKILL,
                 .environment = start.environment,
                 .input = start.input,
                 .output = output.number(),
                 .errors = errors.number(),
                 .memory_bytes = start.program.memory_bytes,
                 .sealed = true,
                 .announce_to = *guarded};
  how.command.front() = start.path;
  // A persistent program uses up its time job by job: its process has no limit of its own.
  if (start.program.mode == Program::Mode::spawn)
    how.cpu_seconds = whole_seconds(start.program.cpu);
  auto pid = start_child(how);
  if (!pid) return std::move(pid).error();
  child.pid_ = *pid;
  Guard::of_this_process().started(*pid);
  child.ended_ = Descriptor(static_cast<int>(syscall(SYS_pidfd_open, *pid, 0)));
  if (!child.ended_.is_open()) return failed("cannot watch a program");
  return child;
}

ProgramChild::ProgramChild(ProgramChild&& from) noexcept
    : pid_(std::exchange(from.pid_, 0)),
      output_(std::move(from.output_)),
      errors_(std::move(from.errors_)),
      ended_(std::move(from.ended_)) {}

ProgramChild::~ProgramChild() {
  if (pid_ == 0) return;
  signal_group(SIGKILL);
  bury();
}

bool ProgramChild::has_ended() const {
  pollfd wait{.fd = ended_.number(), .events = POLLIN, .revents = 0};
  return poll(&wait, 1, 0) == 1;
}

void ProgramChild::signal_group(int number) const {
  if (pid_ > 0) kill(-pid_, number);
}

ChildEnd ProgramChild::bury() {
  const pid_t pid = std::exchange(pid_, 0);
  siginfo_t seen{};
  while (waitid(P_PID, static_cast<id_t>(pid), &seen, WEXITED | WNOWAIT) != 0 && errno == EINTR) {
  }
  // Until it is reaped, its number belongs to its group and to nobody else.
  kill(-pid, SIGKILL);
  Guard::of_this_process().ended(pid);
  ChildEnd end = reap(pid).value_or(ChildEnd{.pid = pid});
  // Nobody asks for the peak of one that ended well.
  if (!end.clean()) end.parent_peak_kib = own_peak_kib();
  return end;
}

bool ProgramChild::read(Descriptor& from, std::string& into, std::size_t most) {
  char piece[32 << 10];
  while (most > 0 && from.is_open()) {
    const std::size_t want = std::min(sizeof piece, most);
    const ssize_t got = ::read(from.number(), piece, want);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return true;
    if (got <= 0) {
      from.shut();
      return false;
    }
    into.append(piece, static_cast<std::size_t>(got));
    most -= static_cast<std::size_t>(got);
    if (static_cast<std::size_t>(got) < want) return true;
  }
  return from.is_open();
}

}  // namespace penstock
