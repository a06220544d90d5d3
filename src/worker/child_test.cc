// SPDX-License-Identifier: MIT
#include "worker/child.h"

#include <gtest/gtest.h>

#include <csignal>
#include <fstream>
#include <iterator>
#include <string>

#include <sys/wait.h>

namespace penstock {
namespace {

// Blocks until the child has ended, but leaves it to be reaped.
ChildEnd end_of(pid_t pid) {
  siginfo_t seen{};
  waitid(P_PID, static_cast<id_t>(pid), &seen, WEXITED | WNOWAIT);
  return reap(pid).value();
}

TEST(Child, AnExitCodeIsReported) {
  const auto child = start_child({"sh", "-c", "exit 3"}, SIGTERM);
  ASSERT_TRUE(child);
  const ChildEnd end = end_of(*child);
  EXPECT_EQ(end.exit_code, 3);
  EXPECT_FALSE(end.clean());
  EXPECT_TRUE(end.describe().starts_with("exit code 3, peak "));
}

TEST(Child, ASignalIsReportedByNumberAndName) {
  const auto child = start_child({"sleep", "100"}, SIGTERM);
  ASSERT_TRUE(child);
  EXPECT_FALSE(reap(*child)) << "it runs";
  kill(*child, SIGKILL);
  EXPECT_TRUE(end_of(*child).describe().starts_with("signal 9 (Killed)"));
}

// Others of this process, such as the guard of its programs, may live beside it.
std::string children_of_this_thread() {
  std::ifstream file("/proc/thread-self/children");
  return {std::istreambuf_iterator<char>(file), {}};
}

TEST(Child, AProgramThatDoesNotExistIsAnErrorAndLeavesNoProcess) {
  const std::string before = children_of_this_thread();
  const auto child = start_child({"/no/such/program"}, SIGTERM);
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().code, Errc::unavailable);
  EXPECT_EQ(children_of_this_thread(), before);
}

TEST(Child, ArgumentsReachTheProgramAsTheyAre) {
  const auto child = start_child({"sh", "-c", "test \"$1\" = 'a b;$c'", "sh", "a b;$c"}, SIGTERM);
  ASSERT_TRUE(child);
  EXPECT_TRUE(end_of(*child).clean());
}

}  // namespace
}  // namespace penstock
