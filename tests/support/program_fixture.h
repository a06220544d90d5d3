// SPDX-License-Identifier: MIT
//
// A program as the handler of one attempt: real processes of sh and python3. Nothing sleeps: tests
// wait for a line that a program logs, and for processes to end.
#pragma once

#include "worker/attempt.h"
#include "worker/programs.h"

#include <penstock/log.h>
#include <penstock/program.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <poll.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace penstock::testing {

inline constexpr int patience_ms = 20'000;

// Waits for the end of a process that is not ours to reap.
inline ::testing::AssertionResult ends(pid_t pid) {
  const int descriptor = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
  if (descriptor < 0) return ::testing::AssertionSuccess() << "it is gone";
  pollfd wait{.fd = descriptor, .events = POLLIN, .revents = 0};
  const int count = poll(&wait, 1, patience_ms);
  close(descriptor);
  if (count == 1) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "process " << pid << " lives on";
}

class ProgramFixture : public ::testing::Test {
 protected:
  ProgramFixture() { set_log_level(LogLevel::off); }

  void add(Program program, TaskDefaults defaults = {}, const std::string& name = "t") {
    const auto added = add_program(tasks_, name, std::move(program), std::move(defaults));
    ASSERT_TRUE(added) << added.error().message;
  }
  void add_shell(std::string script, TaskDefaults defaults = {}) {
    add({.command = {"sh", "-c", std::move(script)}}, std::move(defaults));
  }
  // A persistent program whose `body` handles `job`, one after the other, with say() and cut lines.
  void add_python(const std::string& body, const std::string& tasks = "[\"t\"]") {
    add({.command = {"python3", "-c",
                     "import sys, json, os, time\n"
                     "def say(m): print(json.dumps(m), flush=True)\n"
                     "say({'penstock': 1, 'tasks': " +
                         tasks +
                         "})\n"
                         "for line in sys.stdin:\n"
                         "    job = json.loads(line)\n"
                         "    if 'cancel' in job: continue\n"
                         "    id = job['id']; p = job['payload']\n" +
                         body},
         .mode = Program::Mode::persistent});
  }

  std::shared_ptr<Attempt> make(std::string payload = "null", int crashes = 0) {
    Reserved job{.id = {"job-1"}, .task = "t", .payload = std::move(payload)};
    job.fence = Fence{7};
    job.attempt = 2;
    job.crashes = crashes;
    return std::make_shared<Attempt>(std::move(job), *tasks_.find("t"), Retention{}, "w");
  }
  rules::Outcome run(Attempt& attempt) {
    EXPECT_TRUE(attempt.claim());
    rules::Outcome outcome = attempt.run(real_clock(), nullptr);
    take_lines(attempt);
    return outcome;
  }
  rules::Outcome run(std::string payload = "null") { return run(*make(std::move(payload))); }
  std::string result(std::string payload = "null") {
    const auto outcome = run(std::move(payload));
    const auto* good = std::get_if<rules::Succeeded>(&outcome);
    return good ? good->result : "no success: " + error_of(outcome);
  }
  static std::string error_of(const rules::Outcome& outcome) {
    if (const auto* failed = std::get_if<rules::Failed>(&outcome)) return failed->error;
    if (const auto* crashed = std::get_if<rules::Crashed>(&outcome)) return crashed->certificate;
    return "neither failed nor crashed";
  }
  rules::Failed failure(std::string payload = "null") {
    const auto outcome = run(std::move(payload));
    const auto* failed = std::get_if<rules::Failed>(&outcome);
    return failed ? *failed : rules::Failed{.error = "did not fail"};
  }
  rules::Crashed crash(std::string payload = "null") {
    const auto outcome = run(std::move(payload));
    const auto* crashed = std::get_if<rules::Crashed>(&outcome);
    return crashed ? *crashed : rules::Crashed{.certificate = "no crash: " + error_of(outcome)};
  }
  void take_lines(Attempt& attempt) {
    if (const auto note = attempt.take_note()) {
      for (const LogLine& line : note->lines) lines_.push_back(line.text);
      if (note->progress) progress_ = *note->progress;
    }
  }
  // Starts an attempt in a thread and waits until its program has logged a line.
  void start(const std::shared_ptr<Attempt>& attempt) {
    ASSERT_TRUE(attempt->claim());
    thread_ = std::jthread([this, attempt] { outcome_ = attempt->run(real_clock(), nullptr); });
    const SteadyTime late = real_clock().steady() + Duration{patience_ms};
    while (lines_.empty() && real_clock().steady() < late) take_lines(*attempt);
    ASSERT_FALSE(lines_.empty()) << "it logs nothing";
  }
  rules::Outcome stop(Attempt& attempt) {
    attempt.request_stop();
    thread_.join();
    take_lines(attempt);
    return outcome_;
  }
  pid_t logged_pid(std::size_t line = 0) const { return std::atoi(lines_.at(line).c_str()); }

  Tasks tasks_;
  std::vector<std::string> lines_;
  double progress_ = -1;
  rules::Outcome outcome_;
  std::jthread thread_;
};

}  // namespace penstock::testing
