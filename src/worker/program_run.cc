// SPDX-License-Identifier: MIT
#include "worker/program_run.h"

#include "rules/byte_size.h"
#include "rules/command_line.h"
#include "rules/duration.h"
#include "rules/limits.h"
#include "rules/name.h"
#include "rules/program_message.h"
#include "worker/error_lines.h"

#include <cerrno>
#include <csignal>
#include <cstring>

#include <sys/mman.h>
#include <unistd.h>

namespace penstock {
namespace {

// As <sysexits.h> and mail systems have them.
constexpr int exit_bad_input = 65, exit_try_later = 75;

// The payload as a file in memory: nobody has to write while the program reads, or does not.
Result<Descriptor> input_of(std::string_view payload) {
  Descriptor file(memfd_create("payload", MFD_CLOEXEC));
  while (file.is_open() && !payload.empty()) {
    const ssize_t wrote = write(file.number(), payload.data(), payload.size());
    if (wrote < 0 && errno == EINTR) continue;
    if (wrote <= 0) break;
    payload.remove_prefix(static_cast<std::size_t>(wrote));
  }
  if (!file.is_open() || !payload.empty() || lseek(file.number(), 0, SEEK_SET) != 0) {
    return Error{Errc::unavailable,
                 std::string("cannot hold a program's input: ") + std::strerror(errno)};
  }
  return file;
}

std::vector<std::string> environment_of(const ProgramSource& source, const JobContext& job) {
  std::vector<std::string> all = source.environment;
  all.push_back("PENSTOCK_JOB_ID=" + job.job().id.text);
  all.push_back("PENSTOCK_TASK=" + job.job().task);
  all.push_back("PENSTOCK_ATTEMPT=" + std::to_string(job.job().attempt));
  all.push_back("PENSTOCK_FENCE=" + std::to_string(static_cast<std::uint64_t>(job.fence())));
  if (!job.job().run.empty()) {
    all.push_back("PENSTOCK_RUN=" + job.job().run);
    all.push_back("PENSTOCK_NODE=" + job.job().node);
  }
  if (const auto deadline = calendar_deadline(job)) {
    all.push_back("PENSTOCK_DEADLINE=" + rules::format_time(*deadline));
  }
  return all;
}

// One process and its job.
class SpawnedRun {
 public:
  SpawnedRun(ProgramChild& child, JobContext& job) : child_(child), job_(job) {
    bell_.follow(job.stop());
  }
  std::string result();

 private:
  void watch();
  bool read_streams();
  [[noreturn]] void fail(const ChildEnd& end);

  ProgramChild& child_;
  JobContext& job_;
  StopBell bell_;
  Urging urging_{child_, job_, {}};
  const ErrorLines::Sink to_log_ = [this](std::string_view line) { job_.log(line); };
  ErrorLines errors_;
  std::string output_;
  bool too_large_ = false;
};

// False when there is more output than a result may have; the end of its line is no part of it.
bool SpawnedRun::read_streams() {
  constexpr std::size_t piece = 256 << 10;
  std::string text;
  child_.read_errors(text, piece);
  errors_.add(text, to_log_);
  constexpr std::size_t line_end = 2;  // "\r\n"
  child_.read_output(output_, job_.max_result_bytes() + line_end + 1 - output_.size());
  std::string_view result = output_;
  for (const char end : {'\n', '\r'}) {
    if (result.ends_with(end)) result.remove_suffix(1);
  }
  return result.size() <= job_.max_result_bytes();
}

void SpawnedRun::watch() {
  while (true) {
    pollfd waits[] = {
        {.fd = child_.ended(), .events = POLLIN, .revents = 0},
        {.fd = child_.output(), .events = POLLIN, .revents = 0},
        {.fd = child_.errors(), .events = POLLIN, .revents = 0},
        // A bell that has rung goes on ringing.
        {.fd = urging_.has_begun() ? -1 : bell_.descriptor(), .events = POLLIN, .revents = 0}};
    poll(waits, std::size(waits), urging_.wait_ms(real_clock().steady()));
    urging_.step(real_clock().steady());
    too_large_ = !read_streams();
    if (too_large_) child_.signal_group(SIGKILL);
    if (too_large_ || waits[0].revents != 0) return;
  }
}

std::string SpawnedRun::result() {
  watch();
  const ChildEnd end = child_.bury();
  // Now that nobody writes any more; what the group wrote last may have come after its leader.
  too_large_ = too_large_ || !read_streams();
  errors_.finish(to_log_);
  if (too_large_) {
    throw NoRetry("result is larger than " +
                  rules::format_bytes(static_cast<std::int64_t>(job_.max_result_bytes())) +
                  ": the program was killed; store it elsewhere and print a reference, or give the "
                  "worker --spill DIR");
  }
  if (end.clean()) return rules::result_of_output(output_);
  fail(end);
}

void SpawnedRun::fail(const ChildEnd& end) {
  const std::string certificate = end.describe() + errors_.detail();
  if (urging_.has_begun()) throw std::runtime_error(urging_.error() + ": " + certificate);
  if (end.signal == 0 && end.exit_code == exit_try_later) {
    throw ProgramLater("to be tried again later: " + certificate);
  }
  if (end.signal == 0 && end.exit_code == exit_bad_input) throw NoRetry(certificate);
  throw std::runtime_error(certificate);
}

}  // namespace

std::string ProgramSource::describe() const {
  constexpr std::size_t shown = 80;
  return "program \"" + rules::printable(rules::join_command(program.command), shown) + "\"";
}

std::optional<Time> calendar_deadline(const JobContext& job) {
  if (!job.deadline()) return std::nullopt;
  return real_clock().now() +
         std::chrono::duration_cast<Duration>(*job.deadline() - real_clock().steady());
}

Urging::Urging(const ProgramChild& child, const JobContext& job, std::function<void()> ask)
    : child_(child),
      stop_(job.stop()),
      overdue_(job.deadline() ? std::optional(*job.deadline() + Duration{1000}) : std::nullopt),
      ask_(std::move(ask)) {}

std::optional<SteadyTime> Urging::next() const {
  if (urge_ == Urge::none) return overdue_;
  if (urge_ == Urge::killed) return std::nullopt;
  return next_;
}

int Urging::wait_ms(SteadyTime now, std::optional<SteadyTime> longest) const {
  auto until = next();
  if (longest && (!until || *longest < *until)) until = longest;
  if (!until) return -1;
  const auto left = std::chrono::ceil<Duration>(*until - now).count();
  return static_cast<int>(std::clamp<std::int64_t>(left, 0, 3'600'000));
}

void Urging::step(SteadyTime now) {
  if (urge_ == Urge::none) {
    const bool overdue = overdue_ && now >= *overdue_;
    if (!stop_.stop_requested() && !overdue) return;
    was_overdue_ = overdue;
    next_ = now;
    if (ask_) {
      ask_();
      urge_ = Urge::asked;
      next_ = now + rules::program_ask_patience;
      return;
    }
  }
  if (urge_ == Urge::killed || now < next_) return;
  if (urge_ == Urge::terminated) {
    child_.signal_group(SIGKILL);
    urge_ = Urge::killed;
    return;
  }
  child_.signal_group(SIGTERM);
  urge_ = Urge::terminated;
  next_ = now + rules::program_term_patience;
}

std::string Urging::error() const { return was_overdue_ ? "timed out" : "told to stop"; }

std::string run_spawned(const ProgramSource& source, std::string_view payload, JobContext& job) {
  auto input = input_of(payload);
  if (!input) throw std::runtime_error(input.error().message);
  auto child = ProgramChild::start({.program = source.program,
                                    .path = source.path,
                                    .environment = environment_of(source, job),
                                    .input = input->number()});
  if (!child) throw std::runtime_error(child.error().message);
  return SpawnedRun(*child, job).result();
}

}  // namespace penstock
