// SPDX-License-Identifier: MIT
//
// The trouble that tests make for servers: clocks that are set, replies that are lost; and the eye
// that they keep on them.
#include "tests/support/losing_proxy.h"
#include "tests/support/redis_monitor.h"
#include "tests/support/redis_server.h"
#include "tests/support/server_time.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <cstdlib>

#include <hiredis/hiredis.h>

namespace penstock::testing {
namespace {

using std::chrono::seconds;
using ::testing::ElementsAre;

std::int64_t calendar(const RedisServer& server) {
  return std::atoll(server.list({"TIME"}).at(0).c_str());
}

TEST(ServerTime, StepsTheCalendarOfARunningServer) {
  ServerTime time;
  const RedisServer server({.environment = time.environment()});
  const std::int64_t before = calendar(server);
  time.step(seconds(3600));
  EXPECT_NEAR(static_cast<double>(calendar(server) - before), 3600, 30);
  time.step(seconds(-3600));
  EXPECT_NEAR(static_cast<double>(calendar(server) - before), -3600, 30);
}

TEST(ServerTime, LeavesTheMonotonicClockAlone) {
  ServerTime time;
  const RedisServer server({.environment = time.environment()});
  time.step(seconds(3600));
  // Blocks until it is over on the server's clock: neither at once nor for an hour.
  EXPECT_EQ(server.command({"BLPOP", "nothing", "0.05"}, seconds(10)), "(nil)");
  time.step(seconds(-3600));
  EXPECT_EQ(server.command({"BLPOP", "nothing", "0.05"}, seconds(10)), "(nil)");
}

/// "OK" or the like, or "cut".
std::string ask(const LosingProxy& proxy, const char* command) {
  redisContext* connection = redisConnectUnix(proxy.socket().c_str());
  auto* reply = static_cast<redisReply*>(redisCommand(connection, command));
  std::string text = "cut";
  if (reply)
    text = reply->type == REDIS_REPLY_INTEGER ? std::to_string(reply->integer) : reply->str;
  if (reply) freeReplyObject(reply);
  redisFree(connection);
  return text;
}

TEST(LosingProxy, LosesAReplyAfterTheServerHasDoneItsWork) {
  const RedisServer server;
  const LosingProxy proxy(server.socket(), [](std::string_view request) {
    if (request.find("once") != std::string_view::npos) return LosingProxy::Fate::lose_reply;
    if (request.find("never") != std::string_view::npos) return LosingProxy::Fate::lose_request;
    return LosingProxy::Fate::pass;
  });
  EXPECT_EQ(ask(proxy, "INCR other"), "1");
  EXPECT_EQ(ask(proxy, "INCR once"), "cut");
  EXPECT_EQ(ask(proxy, "INCR never"), "cut");
  EXPECT_EQ(server.command({"MGET", "other", "once", "never"}), "[1, 1, (nil)]");
  EXPECT_EQ(proxy.lost(), 2);
}

TEST(RedisMonitor, TellsWhatClientsAndScriptsDo) {
  const RedisServer server;
  RedisMonitor monitor(server);
  const std::string odd("a\"b\\c\n\r\t\a\b\0\xff", 11);
  EXPECT_EQ(server.command({"EVAL", "redis.call('SET', KEYS[1], ARGV[1]) return 7", "1", "k", odd}),
            "7");
  const auto commands = monitor.take();
  ASSERT_EQ(commands.size(), 2U);
  const Monitored& by_client = commands[commands[0].by_script ? 1 : 0];
  const Monitored& by_script = commands[commands[0].by_script ? 0 : 1];
  EXPECT_EQ(by_client.words.back(), odd);
  EXPECT_THAT(by_script.words, ElementsAre("SET", "k", odd));
  EXPECT_TRUE(monitor.take().empty());
}

}  // namespace
}  // namespace penstock::testing
