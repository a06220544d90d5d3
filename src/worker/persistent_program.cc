// SPDX-License-Identifier: MIT
#include "worker/persistent_program.h"

#include "rules/byte_size.h"
#include "rules/duration.h"
#include "rules/limits.h"
#include "rules/name.h"
#include "rules/program_message.h"
#include "worker/starter.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace penstock {
namespace {

// A result's line has its id and names around it, and blanks if it likes.
constexpr std::size_t around_result = 64 << 10;
// How long after its last output was closed a program may take to be gone.
constexpr Duration closing{200};

// Gives a process so much more processor time than it has used: by the count of ticks that the
// kernel holds against RLIMIT_CPU. On a busy machine the exact clock of a process, which is the one
// that clock_getcpuclockid names, is off from that by a fifth, and a program that stays for many
// jobs would come to lack it.
void allow_cpu(pid_t pid, Duration more) {
  constexpr clockid_t which_clock = 3;  // These bits: 2 is the exact one, 0 counts ticks.
  clockid_t clock{};
  timespec used{};
  if (clock_getcpuclockid(pid, &clock) != 0) return;
  if (clock_gettime(clock & ~which_clock, &used) != 0) return;
  rlimit limits{};
  if (prlimit(pid, RLIMIT_CPU, nullptr, &limits) != 0) return;
  const auto seconds = static_cast<rlim_t>(used.tv_sec + 1 + (more.count() + 999) / 1000);
  limits.rlim_cur = std::min(seconds, limits.rlim_max);
  prlimit(pid, RLIMIT_CPU, &limits, nullptr);
}

}  // namespace

// One exchange with the process: its greeting, or a job.
class PersistentProgram::Turn {
 public:
  Turn(PersistentProgram& program, JobContext& job) : p_(program), job_(job) {
    p_.bell_.follow(job.stop());
  }
  ~Turn() { p_.bell_.unfollow(); }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  void greet();
  std::string run(std::string_view payload);

 private:
  std::optional<std::string_view> next_line();
  std::optional<std::string> take(std::string_view line);
  [[noreturn]] void say(const rules::ProgramMessage& error);
  void wait(std::optional<SteadyTime> longest = {});
  void read_errors();
  void send();
  // Ends the process; says what became of it, after `what` it did.
  [[noreturn]] void crash(std::string_view what);

  PersistentProgram& p_;
  JobContext& job_;
  Urging urging_{p_.child_, job_, [this] {
                   p_.unsent_ += rules::cancel_line(job_.job().id.text);
                   send();
                 }};
  const ErrorLines::Sink to_log_ = [this](std::string_view line) { job_.log(line); };
};

void PersistentProgram::Turn::send() {
  while (!p_.unsent_.empty()) {
    const ssize_t wrote = write(p_.input_.number(), p_.unsent_.data(), p_.unsent_.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) return;  // Full; or nobody reads, and then it is about to end.
    p_.unsent_.erase(0, static_cast<std::size_t>(wrote));
  }
}

void PersistentProgram::Turn::read_errors() {
  constexpr std::size_t piece = 256 << 10;
  std::string text;
  p_.child_.read_errors(text, piece);
  p_.errors_.add(text, to_log_);
}

// Waits for anything to happen and takes in what there is.
void PersistentProgram::Turn::wait(std::optional<SteadyTime> longest) {
  pollfd waits[] = {
      {.fd = p_.child_.output(), .events = POLLIN, .revents = 0},
      {.fd = p_.child_.errors(), .events = POLLIN, .revents = 0},
      {.fd = p_.child_.ended(), .events = POLLIN, .revents = 0},
      {.fd = urging_.has_begun() ? -1 : p_.bell_.descriptor(), .events = POLLIN, .revents = 0},
      {.fd = p_.unsent_.empty() ? -1 : p_.input_.number(), .events = POLLOUT, .revents = 0}};
  SteadyTime now = real_clock().steady();
  poll(waits, std::size(waits), urging_.wait_ms(now, longest));
  now = real_clock().steady();
  if (waits[1].revents != 0) read_errors();
  if (waits[4].revents != 0) send();
  // A line is taken from what was read before more is read: that bounds it. One that has ended may
  // have written after its output was looked at.
  if (waits[0].revents != 0 || waits[2].revents != 0) {
    p_.child_.read_output(p_.unread_, around_result);
  }
  if (p_.unread_.find('\n', p_.looked_at_) == std::string::npos) {
    p_.looked_at_ = p_.unread_.size();
    if (waits[2].revents != 0) crash("died");
    if (p_.child_.output() < 0) {  // Which is how its end begins; or how it will never answer.
      p_.wait_for_end(now + closing);
      crash(p_.child_.has_ended() ? "died" : "closed its output and was killed");
    }
  }
  urging_.step(now);
}

std::optional<std::string_view> PersistentProgram::Turn::next_line() {
  const auto end = p_.unread_.find('\n', p_.looked_at_);
  if (end == std::string::npos) return std::nullopt;
  return std::string_view(p_.unread_).substr(0, end);
}

void PersistentProgram::Turn::greet() {
  const SteadyTime late = real_clock().steady() + rules::program_hello_patience;
  std::optional<std::string_view> line;
  while (!(line = next_line())) {
    if (real_clock().steady() >= late) {
      crash("did not say within " + rules::format_duration(rules::program_hello_patience) +
            " what tasks it has, and was killed");
    }
    if (p_.unread_.size() > around_result) crash("printed no line, and was killed");
    wait(late);
    // One that has not begun cannot be asked to stop.
    if (urging_.has_begun())
      throw std::runtime_error(urging_.error() + " while its program started");
  }
  auto tasks = rules::parse_hello(*line);
  if (!tasks) crash("broke the protocol (" + tasks.error().message + ") and was killed");
  p_.unread_.erase(0, line->size() + 1);
  p_.looked_at_ = 0;
  p_.tasks_ = *std::move(tasks);
}

std::string PersistentProgram::Turn::run(std::string_view payload) {
  const Job& job = job_.job();
  p_.errors_.forget();
  if (p_.source_.program.cpu) allow_cpu(p_.child_.pid(), *p_.source_.program.cpu);
  p_.unsent_ += rules::job_line({.id = job.id.text,
                                 .task = job.task,
                                 .payload = payload,
                                 .run = job.run,
                                 .node = job.node,
                                 .attempt = job.attempt,
                                 .fence = job_.fence(),
                                 .deadline = calendar_deadline(job_)});
  send();
  while (true) {
    while (const auto line = next_line()) {
      auto result = take(*line);
      p_.unread_.erase(0, line->size() + 1);
      p_.looked_at_ = 0;
      if (result) {
        p_.errors_.finish(to_log_);
        return *std::move(result);
      }
    }
    if (p_.unread_.size() > job_.max_result_bytes() + around_result) {
      p_.fit_ = false;
      throw NoRetry("result is larger than " +
                    rules::format_bytes(static_cast<std::int64_t>(job_.max_result_bytes())) +
                    ": the program was killed; store it elsewhere and return a reference, or give "
                    "the worker --spill DIR");
    }
    wait();
  }
}

// The result, if the line is it.
std::optional<std::string> PersistentProgram::Turn::take(std::string_view line) {
  using Kind = rules::ProgramMessage::Kind;
  auto message = rules::parse_message(line);
  if (!message) crash("broke the protocol (" + message.error().message + ") and was killed");
  if (message->id != job_.job().id.text) {
    // Threads of a job that has ended may go on talking for a moment; but it has ended once.
    if (message->kind == Kind::log || message->kind == Kind::progress) return std::nullopt;
    crash("broke the protocol (it answered for \"" + rules::printable(message->id) +
          "\", which is not its job) and was killed");
  }
  switch (message->kind) {
    case Kind::progress:
      job_.progress(message->share, message->text);
      return std::nullopt;
    case Kind::log:
      job_.log(message->text);
      return std::nullopt;
    case Kind::result:
      return std::move(message->text);
    case Kind::error:
      break;
  }
  p_.unread_.erase(0, line.size() + 1);
  p_.looked_at_ = 0;
  p_.errors_.finish(to_log_);
  say(*message);
}

void PersistentProgram::Turn::say(const rules::ProgramMessage& error) {
  if (error.cancelled) throw Cancel(error.text);
  if (error.after) {
    if (!error.text.empty())
      job_.log("again in " + rules::format_duration(*error.after) + ": " + error.text);
    throw Snooze(*error.after);
  }
  if (!error.retry) throw NoRetry(error.text);
  throw std::runtime_error(error.text);
}

void PersistentProgram::Turn::crash(std::string_view what) {
  p_.fit_ = false;
  p_.child_.signal_group(SIGKILL);
  const ChildEnd end = p_.child_.bury();
  read_errors();
  p_.errors_.finish(to_log_);
  const std::string certificate = end.describe() + p_.errors_.detail();
  if (urging_.has_begun()) throw std::runtime_error(urging_.error() + ": " + certificate);
  throw ProgramCrash(p_.source_.describe() + " " + std::string(what) + ": " + certificate);
}

PersistentProgram::PersistentProgram(const ProgramSource& source, ProgramChild child,
                                     Descriptor input, Descriptor reading_end)
    : source_(source),
      child_(std::move(child)),
      input_(std::move(input)),
      reading_end_(std::move(reading_end)) {}

PersistentProgram::~PersistentProgram() = default;

std::unique_ptr<PersistentProgram> PersistentProgram::start(const ProgramSource& source,
                                                            JobContext& job) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    throw std::runtime_error(std::string("cannot make a pipe for a program: ") +
                             std::strerror(errno));
  }
  Descriptor reading_end(ends[0]), input(ends[1]);
  fcntl(input.number(), F_SETFL, O_NONBLOCK);
  std::optional<Result<ProgramChild>> child;
  Starter::of_this_process().run([&] {
    child.emplace(ProgramChild::start({.program = source.program,
                                       .path = source.path,
                                       .environment = source.environment,
                                       .input = reading_end.number()}));
  });
  if (!*child) throw std::runtime_error((*child).error().message);
  std::unique_ptr<PersistentProgram> program(
      new PersistentProgram(source, std::move(**child), std::move(input), std::move(reading_end)));
  Turn(*program, job).greet();
  return program;
}

std::string PersistentProgram::run(std::string_view payload, JobContext& job) {
  if (std::ranges::find(tasks_, job.job().task) == tasks_.end()) {
    std::string offered;
    for (const std::string& task : tasks_) offered += (offered.empty() ? "" : ", ") + task;
    throw NoRetry(source_.describe() + " has no task \"" + job.job().task +
                  "\" (it has: " + rules::printable(offered, 200) + ")");
  }
  return Turn(*this, job).run(payload);
}

void PersistentProgram::wait_for_end(SteadyTime until) const {
  const auto left = std::chrono::ceil<Duration>(until - real_clock().steady()).count();
  pollfd wait{.fd = child_.ended(), .events = POLLIN, .revents = 0};
  poll(&wait, 1, static_cast<int>(std::clamp<std::int64_t>(left, 0, 60'000)));
}

}  // namespace penstock
