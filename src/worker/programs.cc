// SPDX-License-Identifier: MIT
#include "worker/programs.h"

#include "rules/limits.h"
#include "rules/transition.h"

#include <penstock/log.h>

#include <algorithm>

namespace penstock {
namespace {

constexpr Duration longest_spread{60'000};

}  // namespace

std::string Programs::run(std::string_view payload, JobContext& job) {
  if (source_.program.mode == Program::Mode::spawn) return run_spawned(source_, payload, job);
  Process process;
  // Whatever a job of it ends with, a process that is fit takes the next one.
  const auto settle = [&](bool went_well) {
    const bool fit = process && process->is_fit();
    if (went_well) note_success();
    if (!fit) return;
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(process));
  };
  try {
    process = take(job);
    std::string result = process->run(payload, job);
    settle(true);
    return result;
  } catch (const ProgramCrash& crash) {
    note_crash();
    log(LogLevel::warning, crash.what());
    throw;
  } catch (...) {
    settle(process != nullptr && process->is_fit());
    throw;
  }
}

Programs::Process Programs::idle_one() {
  while (true) {
    Process process;
    {
      const std::lock_guard lock(mutex_);
      if (idle_.empty()) return nullptr;
      process = std::move(idle_.back());  // The one whose caches are warm.
      idle_.pop_back();
    }
    // One that ended while it had nothing to do has harmed no job.
    if (process->is_fit()) return process;
  }
}

Programs::Process Programs::take(JobContext& job) {
  if (Process process = idle_one()) return process;
  wait_for_turn(job);
  return PersistentProgram::start(source_, job);
}

// After crashes: waits for a short pause to be over, and puts the job off for a longer one, so that
// its slot is free for others. A job that would come back as a suspect waits here: a suspect keeps
// the whole worker to itself, and this one endangers nobody.
void Programs::wait_for_turn(JobContext& job) {
  const SteadyTime now = real_clock().steady();
  SteadyTime until;
  {
    const std::lock_guard lock(mutex_);
    until = not_before_;
    if (until <= now) return;
    if (until - now > rules::program_pause_slot && !rules::is_suspect(job.job().crashes)) {
      // One after the other: a crowd that is put off to the same time would come back as one.
      const Duration spread = std::min(Duration{put_off_++}, longest_spread);
      throw Snooze(std::chrono::ceil<Duration>(until - now) + spread);
    }
  }
  if (real_clock().wait_until(until, job.stop())) throw std::runtime_error("told to stop");
}

void Programs::note_crash() {
  const std::lock_guard lock(mutex_);
  pause_ = std::clamp(pause_ * 2, rules::program_pause_first, rules::program_pause_cap);
  not_before_ = real_clock().steady() + pause_;
}

void Programs::note_success() {
  const std::lock_guard lock(mutex_);
  pause_ = Duration{0};
  put_off_ = 0;
}

void Programs::end() {
  std::vector<Process> leaving;
  {
    const std::lock_guard lock(mutex_);
    leaving = std::exchange(idle_, {});
  }
  for (const Process& process : leaving) process->let_go();
  const SteadyTime until = real_clock().steady() + rules::program_leave_patience;
  for (const Process& process : leaving) process->wait_for_end(until);
}

std::size_t Programs::idle() const {
  const std::lock_guard lock(mutex_);
  return idle_.size();
}

}  // namespace penstock
