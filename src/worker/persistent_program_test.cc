// SPDX-License-Identifier: MIT
//
// Programs that stay and take one job after the other.
#include "worker/programs.h"

#include "rules/limits.h"
#include "tests/support/program_fixture.h"

#include <cstdlib>

#include <unistd.h>

namespace penstock {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using PersistentProgramTest = testing::ProgramFixture;
using testing::ends;

TEST_F(PersistentProgramTest, JobsRunOneAfterTheOtherInOneProcess) {
  add_python("    say({'id': id, 'result': [p, os.getpid(), job['fence'], job['attempt']]})");
  const std::string first = result("1"), second = result("2");
  EXPECT_THAT(first, StartsWith("[1, "));
  EXPECT_THAT(first, ::testing::EndsWith(", 7, 2]"));
  EXPECT_EQ(first.substr(2), second.substr(2)) << "the same process";
  EXPECT_EQ(tasks_.programs().front()->idle(), 1U);
}

TEST_F(PersistentProgramTest, EqualProgramsShareTheirProcesses) {
  const Program program{.command = {"true"}, .mode = Program::Mode::persistent};
  add(program, {}, "a");
  add(program, {}, "b");
  add({.command = {"true"}}, {}, "c");
  EXPECT_EQ(tasks_.programs().size(), 2U);
}

TEST_F(PersistentProgramTest, ProgressAndLinesReachTheJob) {
  add_python(
      "    say({'id': id, 'progress': 0.5, 'message': 'half'})\n"
      "    say({'id': id, 'log': 'a line'}); print('another', file=sys.stderr, flush=True)\n"
      "    say({'id': 'earlier', 'log': 'nobody wants it'})\n"
      "    say({'id': id, 'result': None})");
  EXPECT_EQ(result(), "null");
  EXPECT_EQ(progress_, 0.5);
  EXPECT_THAT(lines_, ::testing::UnorderedElementsAre("a line", "another"));
}

TEST_F(PersistentProgramTest, AnErrorSaysHowTheJobFailed) {
  add_python("    say({'id': id, 'error': p})");
  EXPECT_EQ(failure(R"({"message":"no luck"})").error, "no luck");
  EXPECT_TRUE(failure(R"({"message":"no luck","retry":true})").retryable);
  EXPECT_FALSE(failure(R"({"message":"hopeless","retry":false})").retryable);
  const auto later = run(R"({"message":"busy","after_ms":1500})");
  EXPECT_EQ(std::get<rules::Snoozed>(later).delay, Duration{1500});
  const auto cancelled = run(R"({"message":"not wanted","cancelled":true})");
  EXPECT_EQ(std::get<rules::Cancelled>(cancelled).reason, "not wanted");
  EXPECT_EQ(tasks_.programs().front()->idle(), 1U) << "its process goes on";
}

TEST_F(PersistentProgramTest, ItsDeathIsTheJobsCrashAndItIsStartedAgain) {
  add_python(
      "    if p: os.write(2, b'goodbye\\n'); os.kill(os.getpid(), p)\n"
      "    say({'id': id, 'result': os.getpid()})");
  const std::string before = result();
  const auto crashed = crash("9");
  EXPECT_TRUE(crashed.contained);
  EXPECT_THAT(crashed.certificate, HasSubstr("died: signal 9 (Killed), peak "));
  EXPECT_THAT(crashed.certificate, HasSubstr("last line: goodbye"));
  EXPECT_TRUE(ends(std::atoi(before.c_str())));
  EXPECT_NE(result(), before);
}

TEST_F(PersistentProgramTest, BreakingTheProtocolKillsItAndIsTheJobsCrash) {
  add_python("    print(p, flush=True); time.sleep(300)");
  for (const char* line : {"\"Hello from print()\"", R"("{\"id\":\"job-1\"}")",
                           R"("{\"id\":\"another\",\"result\":1}")"}) {
    EXPECT_THAT(crash(line).certificate, HasSubstr("broke the protocol (")) << line;
  }
}

TEST_F(PersistentProgramTest, AProgramThatSpeaksNoProtocolIsTheJobsCrash) {
  add({.command = {"echo", "hello"}, .mode = Program::Mode::persistent});
  EXPECT_THAT(crash().certificate, HasSubstr("the first line has to be"));
  add({.command = {"sh", "-c", "echo cannot start >&2; exit 4"},
       .mode = Program::Mode::persistent});
  EXPECT_THAT(crash().certificate, HasSubstr("died: exit code 4"));
}

TEST_F(PersistentProgramTest, OneThatClosesItsOutputIsKilled) {
  add_python("    os.close(1); time.sleep(300)");
  EXPECT_THAT(crash().certificate, HasSubstr("closed its output and was killed: signal 9"));
}

TEST_F(PersistentProgramTest, ATaskThatItDoesNotOfferFailsForGood) {
  add_python("    say({'id': id, 'result': 1})", "['a', 'b']");
  const auto failed = failure();
  EXPECT_THAT(failed.error, HasSubstr("has no task \"t\" (it has: a, b)"));
  EXPECT_FALSE(failed.retryable);
}

TEST_F(PersistentProgramTest, AfterCrashesAJobWaitsForALittleAndIsPutOffForLonger) {
  add({.command = {"false"}, .mode = Program::Mode::persistent});
  const SteadyTime start = real_clock().steady();
  for (int i = 0; i < 5; ++i) EXPECT_THAT(crash().certificate, HasSubstr("exit code 1")) << i;
  // 100, 200, 400 and 800 ms lie between these five; the next pause is 1.6 s.
  EXPECT_GE(real_clock().steady() - start, Duration{1500});
  const auto put_off = run();
  ASSERT_TRUE(std::holds_alternative<rules::Snoozed>(put_off));
  EXPECT_GT(std::get<rules::Snoozed>(put_off).delay, Duration{1000});
  EXPECT_LE(std::get<rules::Snoozed>(put_off).delay, Duration{1601});
}

TEST_F(PersistentProgramTest, AGoodJobEndsTheBackOff) {
  add_python("    if p: os._exit(1)\n    say({'id': id, 'result': 1})");
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(crash("1").contained);
  EXPECT_EQ(result(), "1");
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(crash("1").contained) << "not put off";
}

TEST_F(PersistentProgramTest, OneThatEndsAfterItsJobIsReplacedWithoutACrash) {
  add_python("    say({'id': id, 'result': os.getpid()})\n    break");
  const std::string first = result();
  EXPECT_TRUE(ends(std::atoi(first.c_str())));
  EXPECT_NE(result(), first);
}

TEST_F(PersistentProgramTest, ItIsAskedToGiveAJobUpAndGoesOn) {
  add_python(
      "    if not p:\n        say({'id': id, 'result': os.getpid()}); continue\n"
      "    say({'id': id, 'log': str(os.getpid())})\n"
      "    cut = json.loads(sys.stdin.readline())\n"
      "    say({'id': cut['cancel'], 'error': {'message': 'gave up', 'cancelled': True}})");
  const auto attempt = make("1");
  start(attempt);
  EXPECT_EQ(std::get<rules::Cancelled>(stop(*attempt)).reason, "gave up");
  EXPECT_EQ(result("0"), lines_[0]) << "the same process";
}

TEST_F(PersistentProgramTest, OneThatDoesNotGiveUpIsKilledWithItsChildren) {
  add_python(
      "    import subprocess\n"
      "    say({'id': id, 'log': str(subprocess.Popen(['sleep', '300']).pid)})\n"
      "    time.sleep(300)");
  const auto attempt = make();
  start(attempt);
  EXPECT_THAT(error_of(stop(*attempt)), StartsWith("told to stop: signal 15 (Terminated)"));
  EXPECT_TRUE(ends(logged_pid()));
}

TEST_F(PersistentProgramTest, ItHasItsProcessorTimeForEachJob) {
  add({.command = {"python3", "-c",
                   "import json, sys, time\n"
                   "print('{\"penstock\":1,\"tasks\":[\"t\"]}', flush=True)\n"
                   "for line in sys.stdin:\n"
                   "    job = json.loads(line)\n"
                   "    end = time.process_time() + job['payload']\n"
                   "    while time.process_time() < end: pass\n"
                   "    print(json.dumps({'id': job['id'], 'result': 1}), flush=True)"},
       .mode = Program::Mode::persistent,
       .cpu = Duration{1000}});
  for (int i = 0; i < 4; ++i) EXPECT_EQ(result("0.6"), "1") << "2.4 s in all";
  EXPECT_THAT(crash("5").certificate, HasSubstr("signal 24 (CPU time limit exceeded)"));
}

TEST_F(PersistentProgramTest, ResultsAreBounded) {
  add_python("    say({'id': id, 'result': 'x' * p})");
  EXPECT_EQ(result("10"), "\"xxxxxxxxxx\"");
  const auto failed = failure("50000000");
  EXPECT_THAT(failed.error, StartsWith("result is larger than 1MiB"));
  EXPECT_FALSE(failed.retryable);
  EXPECT_EQ(result("1"), "\"x\"") << "with another process";
}

TEST_F(PersistentProgramTest, APayloadLargerThanAPipeArrives) {
  add_python("    say({'id': id, 'result': len(p)})");
  const std::string large = '"' + std::string(rules::max_payload_bytes - 2, 'x') + '"';
  EXPECT_EQ(result(large), std::to_string(rules::max_payload_bytes - 2));
}

TEST_F(PersistentProgramTest, AnEndLetsIdleProgramsFinishByThemselves) {
  const std::string done = ::testing::TempDir() + "/penstock-done-" + std::to_string(getpid());
  add({.command = {"sh", "-c",
                   "echo '{\"penstock\":1,\"tasks\":[\"t\"]}'\n"
                   "while read -r line; do echo '{\"id\":\"job-1\",\"result\":'$$'}'; done\n"
                   "touch \"$DONE\""},
       .mode = Program::Mode::persistent,
       .environment = {{"DONE", done}}});
  const std::string pid = result();
  tasks_.programs().front()->end();
  EXPECT_EQ(unlink(done.c_str()), 0) << "it has not seen the end of its input";
  EXPECT_TRUE(ends(std::atoi(pid.c_str())));
}

}  // namespace
}  // namespace penstock
