// SPDX-License-Identifier: MIT
//
// The servers that the tests of the Redis store run on do what those tests rely on.
#include "tests/support/redis_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>
#include <stdexcept>

#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace penstock::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;

TEST(RedisServer, AnswersInReadableText) {
  const RedisServer server;
  EXPECT_EQ(server.command({"SET", "key", "two words"}), "OK");
  EXPECT_EQ(server.command({"GET", "key"}), "two words");
  EXPECT_EQ(server.command({"GET", "other"}), "(nil)");
  EXPECT_EQ(server.command({"RPUSH", "list", "a", "b"}), "2");
  EXPECT_EQ(server.command({"LRANGE", "list", "0", "-1"}), "[a, b]");
  EXPECT_EQ(server.list({"LRANGE", "list", "0", "-1"}), (std::vector<std::string>{"a", "b"}));
  EXPECT_THAT(server.command({"INCR", "list"}), StartsWith("(error) WRONGTYPE"));
  EXPECT_EQ(server.command({"DEBUG", "SLEEP", "0"}), "OK");
}

TEST(RedisServer, KeepsItsAppendOnlyFileWhenItIsKilledAndStartedAgain) {
  RedisServer server({.appendfsync = "always"});
  EXPECT_EQ(server.command({"SET", "key", "kept"}), "OK");
  const pid_t first = server.pid();
  server.kill();
  EXPECT_THROW((void)server.command({"PING"}), std::runtime_error);
  server.start();
  EXPECT_NE(server.pid(), first);
  EXPECT_EQ(server.command({"GET", "key"}), "kept");
}

TEST(RedisServer, TakesOtherOptionsAtItsNextStart) {
  RedisServer server({.appendfsync = "no"});
  EXPECT_EQ(server.command({"SET", "key", "kept"}), "OK");
  server.stop();
  server.options().config = {"maxmemory 8mb"};
  server.start();
  EXPECT_EQ(server.command({"CONFIG", "GET", "maxmemory"}), "[maxmemory, 8388608]");
  EXPECT_EQ(server.command({"GET", "key"}), "kept");
}

TEST(RedisServer, AnswersNothingWhileItIsPaused) {
  const RedisServer server;
  server.pause();
  EXPECT_THROW((void)server.command({"PING"}, std::chrono::milliseconds(50)), std::runtime_error);
  server.resume();
  EXPECT_EQ(server.command({"PING"}), "PONG");
}

TEST(RedisServer, ListensOnAPortOnlyWhenItIsToldTo) {
  const RedisServer quiet;
  EXPECT_EQ(quiet.command({"CONFIG", "GET", "port"}), "[port, 0]");
  const RedisServer server({.tcp = true});
  EXPECT_GT(server.port(), 1023);
  EXPECT_EQ(server.command({"CONFIG", "GET", "port"}),
            "[port, " + std::to_string(server.port()) + "]");
}

TEST(RedisServer, SaysWhyItDidNotStart) {
  try {
    const RedisServer server({.config = {"maxmemory plenty"}});
    FAIL() << "it started";
  } catch (const std::runtime_error& error) {
    EXPECT_THAT(error.what(), HasSubstr("maxmemory plenty"));
  }
}

TEST(RedisServer, EndsWithTheProcessThatStartedIt) {
  int pipe[2];
  ASSERT_EQ(::pipe(pipe), 0);
  const pid_t child = fork();
  if (child == 0) {
    const RedisServer server;
    const pid_t pid = server.pid();
    (void)!write(pipe[1], &pid, sizeof pid);
    raise(SIGKILL);
  }
  close(pipe[1]);
  pid_t server = 0;
  ASSERT_EQ(read(pipe[0], &server, sizeof server), static_cast<ssize_t>(sizeof server));
  close(pipe[0]);
  const int process = static_cast<int>(syscall(SYS_pidfd_open, server, 0));
  waitpid(child, nullptr, 0);
  pollfd watched{.fd = process, .events = POLLIN, .revents = 0};
  // It may have been gone already when it was looked up.
  EXPECT_TRUE(process < 0 || poll(&watched, 1, 10000) == 1);
  if (process >= 0) close(process);
}

}  // namespace
}  // namespace penstock::testing
