// SPDX-License-Identifier: MIT
//
// Programs that are started anew for each job, and what programs of both modes leave behind.
#include "rules/limits.h"
#include "tests/support/program_fixture.h"
#include "worker/guard.h"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace penstock {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using ProgramTest = testing::ProgramFixture;
using testing::ends;

TEST_F(ProgramTest, PayloadIsItsInputAndOutputTheResult) {
  add_shell("cat");
  EXPECT_EQ(result(R"({"a":[1,2]})"), R"({"a":[1,2]})");
  const std::string large = '"' + std::string(rules::max_payload_bytes - 2, 'x') + '"';
  EXPECT_TRUE(result(large) == large) << "a payload and a result of 1 MiB";
}

TEST_F(ProgramTest, OutputThatIsNoJsonBecomesAString) {
  add_shell("printf 'hello\\nworld\\n'");
  EXPECT_EQ(result(), R"("hello\nworld")");
  add_shell("printf '\\377'");
  EXPECT_EQ(result(), "\"\xef\xbf\xbd\"");
  add_shell("true");
  EXPECT_EQ(result(), "null");
}

TEST_F(ProgramTest, ArgumentsAreNotExpanded) {
  add({.command = {"printf", "%s|", "$HOME", "*", "a b", "`id`"}});
  EXPECT_EQ(result(), R"("$HOME|*|a b|`id`|")");
}

TEST_F(ProgramTest, ItRunsInItsFolderAndIsFoundFromThere) {
  std::string folder = "/tmp/penstock-program-XXXXXX";
  ASSERT_NE(mkdtemp(folder.data()), nullptr);
  const std::string script = folder + "/step.sh";
  std::ofstream(script) << "#!/bin/sh\npwd\n";
  std::filesystem::permissions(script, std::filesystem::perms::owner_all);
  add({.command = {"./step.sh"}, .folder = folder});
  EXPECT_EQ(result(), '"' + std::filesystem::canonical(folder).string() + '"');
  Tasks tasks;
  const auto none = add_program(tasks, "t", {.command = {"true"}, .folder = "/no/such/folder"});
  EXPECT_EQ(none.error().code, Errc::not_found);
  EXPECT_THAT(none.error().message, HasSubstr("/no/such/folder"));
  std::filesystem::remove_all(folder);
}

TEST_F(ProgramTest, TheEnvironmentTellsOfTheJob) {
  add_shell(
      "echo $PENSTOCK_JOB_ID $PENSTOCK_TASK $PENSTOCK_ATTEMPT $PENSTOCK_FENCE "
      "${PENSTOCK_DEADLINE-none}");
  EXPECT_EQ(result(), R"("job-1 t 2 7 none")");
  add_shell("echo $PENSTOCK_DEADLINE", {.timeout = Duration{60'000}});
  EXPECT_THAT(result(), ::testing::MatchesRegex("\"20..-..-..T..:..:..\\....Z\""));
}

TEST_F(ProgramTest, WhatLeadsToTheStoreIsWithheldUnlessItIsGiven) {
  setenv("PENSTOCK_STORE", "redis://:secret@host/0", 1);
  setenv("REDIS_PASSWORD", "secret", 1);
  setenv("PROGRAM_TEST", "passed", 1);
  add_shell("echo ${PENSTOCK_STORE-none} ${REDIS_PASSWORD-none} $PROGRAM_TEST");
  EXPECT_EQ(result(), R"("none none passed")");
  add({.command = {"sh", "-c", "echo $PENSTOCK_STORE $PROGRAM_TEST"},
       .environment = {{"PENSTOCK_STORE", "sqlite:x"}, {"PROGRAM_TEST", "mine"}}});
  EXPECT_EQ(result(), R"("sqlite:x mine")");
  unsetenv("PENSTOCK_STORE");
  unsetenv("REDIS_PASSWORD");
}

TEST_F(ProgramTest, ItInheritsNoDescriptorAndNoSignalSetting) {
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &blocked, nullptr);
  signal(SIGPIPE, SIG_IGN);
  const int open_here = dup(STDERR_FILENO);
  ASSERT_NE(open_here, -1);
  fcntl(open_here, F_SETFD, FD_CLOEXEC);
  // Read by the shell itself: while it starts another program it blocks signals.
  add_shell(
      "ls /proc/$$/fd; while read -r line; do case $line in SigBlk*|SigIgn*) echo \"$line\";; "
      "esac; done < /proc/$$/status");
  EXPECT_EQ(result(), "\"0\\n1\\n2\\nSigBlk:\\t0000000000000000\\nSigIgn:\\t0000000000000000\"");
  close(open_here);
  signal(SIGPIPE, SIG_DFL);
  pthread_sigmask(SIG_UNBLOCK, &blocked, nullptr);
}

TEST_F(ProgramTest, ErrorLinesAreTheJobsLog) {
  add_shell("echo one >&2; echo 1; printf 'two' >&2");
  EXPECT_EQ(result(), "1");
  EXPECT_THAT(lines_, ::testing::ElementsAre("one", "two"));
}

TEST_F(ProgramTest, AnExitCodeFailsWithItsCertificate) {
  add_shell("echo first >&2; echo last words >&2; exit 3");
  const auto failed = failure();
  EXPECT_THAT(failed.error, ::testing::MatchesRegex(
                                "exit code 3, peak (under )?[0-9]+ MiB, last line: last words\n"
                                "first\nlast words"));
  EXPECT_TRUE(failed.retryable);
}

TEST_F(ProgramTest, ASignalFailsWithItsCertificate) {
  add_shell("kill -SEGV $$");
  EXPECT_THAT(failure().error, StartsWith("signal 11 (Segmentation fault), peak "));
}

TEST_F(ProgramTest, ExitCode75IsNoAttemptAnd65IsNotTriedAgain) {
  add_shell("exit 75");
  const auto later = run();
  ASSERT_TRUE(std::holds_alternative<rules::Snoozed>(later));
  EXPECT_FALSE(std::get<rules::Snoozed>(later).delay) << "its back-off says when";
  add_shell("exit 65");
  EXPECT_FALSE(failure().retryable);
}

TEST_F(ProgramTest, PeakMemoryIsThatOfTheProgram) {
  // A peak below that of this process is not known; under a sanitizer that is hundreds of MiB.
  rusage own{};
  ASSERT_EQ(getrusage(RUSAGE_SELF, &own), 0);
  const long held = own.ru_maxrss / 1024 + 200;
  add({.command = {"python3", "-c",
                   "b = bytearray(" + std::to_string(held) +
                       " << 20)\nfor i in range(0, len(b), 4096): b[i] = 1\nraise SystemExit(1)"}});
  const std::string error = failure().error;
  const auto peak = error.find("peak ");
  ASSERT_NE(peak, std::string::npos);
  EXPECT_GE(std::atol(error.c_str() + peak + 5), held) << error;
}

TEST_F(ProgramTest, MoreMemoryThanItMayHaveFails) {
  add({.command = {"python3", "-c", "bytearray(400 << 20)"}, .memory_bytes = 200 << 20});
  EXPECT_THAT(failure().error, HasSubstr("last line: MemoryError"));
}

TEST_F(ProgramTest, MoreProcessorTimeThanItMayHaveKills) {
  add({.command = {"sh", "-c", "while :; do :; done"}, .cpu = Duration{1000}});
  EXPECT_THAT(failure().error, StartsWith("signal 24 (CPU time limit exceeded)"));
}

TEST_F(ProgramTest, MoreOutputThanAResultMayHaveKillsAndFailsForGood) {
  add_shell("exec yes");
  const auto failed = failure();
  EXPECT_THAT(failed.error, StartsWith("result is larger than 1MiB: the program was killed"));
  EXPECT_FALSE(failed.retryable);
}

TEST_F(ProgramTest, TheLineEndBehindAResultIsNoPartOfIt) {
  for (const char* end : {"", "\\n", "\\r\\n"}) {
    add_shell(std::string("printf '\"'; yes | tr -d '\\n' | head -c 1048574; printf '\"") + end +
              "'");
    EXPECT_EQ(result().size(), 1048576U) << end;
  }
  for (const char* end : {"\\n\\n\\n", "x\\n", "\\nx"}) {
    add_shell(std::string("printf '\"'; yes | tr -d '\\n' | head -c 1048574; printf '\"") + end +
              "'");
    EXPECT_THAT(failure().error, StartsWith("result is larger than 1MiB")) << end;
  }
}

TEST_F(ProgramTest, MoreErrorLinesThanALogKeepsDoNoHarm) {
  add_shell("yes | head -c 5000000 >&2; echo 1");
  EXPECT_EQ(result(), "1");
}

TEST_F(ProgramTest, AStopEndsItsWholeGroup) {
  add_shell("sh -c 'echo $$ >&2; exec sleep 300' & wait");
  const auto attempt = make();
  start(attempt);
  EXPECT_THAT(error_of(stop(*attempt)), StartsWith("told to stop: signal 15 (Terminated)"));
  EXPECT_TRUE(ends(logged_pid()));
}

TEST_F(ProgramTest, OneThatIgnoresSigtermIsKilled) {
  add_shell("trap '' TERM; echo ready >&2; while :; do sleep 1; done");
  const auto attempt = make();
  start(attempt);
  EXPECT_THAT(error_of(stop(*attempt)), StartsWith("told to stop: signal 9 (Killed)"));
}

TEST_F(ProgramTest, WhatItLeavesBehindIsKilled) {
  add_shell("sleep 300 & echo $! >&2; echo 1");
  EXPECT_EQ(result(), "1") << "without waiting for who still holds its output open";
  EXPECT_TRUE(ends(logged_pid()));
}

TEST_F(ProgramTest, AnUnwantedProgramIsRefused) {
  const auto refused = [&](Program program) {
    const auto added = add_program(tasks_, "t", std::move(program));
    return added ? Errc::internal : added.error().code;
  };
  EXPECT_EQ(refused({.command = {"no-such-program-anywhere"}}), Errc::not_found);
  EXPECT_EQ(refused({.command = {"./no-such-program"}}), Errc::not_found);
  EXPECT_EQ(refused({.command = {"/etc/passwd"}}), Errc::denied);
  EXPECT_EQ(refused({.command = {"/"}}), Errc::denied);
  EXPECT_EQ(refused({}), Errc::invalid);
  EXPECT_EQ(refused({.command = {"true"}, .memory_bytes = 1}), Errc::invalid);
  EXPECT_EQ(refused({.command = {"true"}, .cpu = Duration{0}}), Errc::invalid);
  EXPECT_EQ(refused({.command = {"true"}, .environment = {{"a=b", ""}}}), Errc::invalid);
  EXPECT_EQ(add_program(tasks_, "no name", {.command = {"true"}}).error().code, Errc::invalid);
}

// What a worker is to its programs, as a process that can be killed: it tells of its program's
// child, then waits.
// Says the pid of a grandchild that lives, and is killed.
void run_a_program_and_be_killed() {
  Tasks tasks;
  // The grandchild has a parent that is gone, so that no death signal reaches it.
  const auto added = add_program(
      tasks, "t",
      {.command = {"sh", "-c", "(sh -c 'echo $$; exec sleep 300' >&2 &) ; exec sleep 300"}});
  Attempt attempt({.task = "t", .payload = "null"}, *tasks.find("t"), {}, "w");
  std::jthread thread([&] {
    if (added && attempt.claim()) attempt.run(real_clock(), nullptr);
  });
  std::optional<Note> note;
  while (!note) note = attempt.take_note();
  const int grandchild = std::atoi(note->lines.at(0).text.c_str());
  if (kill(grandchild, 0) == 0) std::fprintf(stderr, "grandchild=%d\n", grandchild);
  kill(getpid(), SIGKILL);
}

TEST_F(ProgramTest, NothingOfAProgramOutlivesAProcessThatIsKilled) {
  // In a process that is started anew: this one may have threads, of which a fork has no more than
  // their locks.
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  pid_t grandchild = 0;
  const auto read = [&](const std::string& said) {
    const auto at = said.find("grandchild=");
    if (at != std::string::npos) grandchild = std::atoi(said.c_str() + at + 11);
    return grandchild > 0;
  };
  EXPECT_EXIT(run_a_program_and_be_killed(), ::testing::KilledBySignal(SIGKILL),
              ::testing::ResultOf(read, true));
  ASSERT_GT(grandchild, 0);
  EXPECT_TRUE(ends(grandchild));
}

TEST_F(ProgramTest, AGuardThatWasKilledIsReplacedAndKnowsWhoRuns) {
  add_python("    say({'id': id, 'result': os.getpid()})");
  const std::string first = result();
  const pid_t guard = Guard::of_this_process().pid();
  kill(guard, SIGKILL);
  waitpid(guard, nullptr, 0);
  EXPECT_EQ(result(), first);
  add_shell("echo 1");
  EXPECT_EQ(result(), "1");
  EXPECT_NE(Guard::of_this_process().pid(), guard);
}

}  // namespace
}  // namespace penstock
