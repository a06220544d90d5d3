// SPDX-License-Identifier: MIT
//
// A connection against a real server.
#include "store/redis/connection.h"
#include "store/redis/errors.h"
#include "tests/support/redis_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::redis {
namespace {

using penstock::testing::RedisOptions;
using penstock::testing::RedisServer;
using penstock::testing::shared_redis;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr Timeouts usual{};

Address at(const RedisServer& server) {
  Address address;
  address.unix_path = server.socket();
  return address;
}

std::unique_ptr<Connection> connected(const Address& address) {
  auto opened = Connection::open(address, usual);
  EXPECT_TRUE(opened) << opened.error().message;
  return opened ? *std::move(opened) : nullptr;
}
std::unique_ptr<Connection> connected() { return connected(at(shared_redis())); }

Error refusal(const Address& address, const Timeouts& timeouts = usual) {
  auto opened = Connection::open(address, timeouts);
  EXPECT_FALSE(opened) << "it opened";
  return opened ? Error{Errc::internal, ""} : std::move(opened).error();
}

SteadyTime in(std::chrono::milliseconds time) { return real_clock().steady() + time; }

// The server is asked for its hash.
constexpr Script echo{"echo", "0", 1, "return {KEYS[1], ARGV[1]}"};

TEST(RedisConnection, CommandsOfOneExchangeAreAnsweredInTheirOrder) {
  auto connection = connected();
  connection->command({"SET", "order", "1"});
  connection->command({"INCRBY", "order", "41"});
  connection->command({"GET", "order"});
  connection->command({"GET", "order:none"});
  const auto replies = connection->exchange();
  ASSERT_TRUE(replies) << replies.error().message;
  ASSERT_EQ(replies->size(), 4U);
  EXPECT_EQ((*replies)[0].text(), "OK");
  EXPECT_EQ((*replies)[1].integer(), 42);
  EXPECT_EQ((*replies)[2].text(), "42");
  EXPECT_TRUE((*replies)[3].is_nil());
}

TEST(RedisConnection, BytesOfAnyKindAndSizeComeBackAsTheyWere) {
  auto connection = connected();
  std::string bytes(3 << 20, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 7);
  connection->command({"SET", "bytes", bytes});
  connection->command({"GET", "bytes"});
  connection->command({"SET", "", ""});
  connection->command({"GET", ""});
  const auto replies = connection->exchange();
  ASSERT_TRUE(replies) << replies.error().message;
  EXPECT_TRUE((*replies)[1].text() == bytes);
  EXPECT_EQ((*replies)[3].kind(), Reply::Kind::text);
  EXPECT_EQ((*replies)[3].text(), "");
}

TEST(RedisConnection, ManyCommandsTravelInOneExchange) {
  auto connection = connected();
  for (int i = 0; i < 20'000; ++i) connection->command({"ECHO", std::to_string(i)});
  const auto replies = connection->exchange();
  ASSERT_TRUE(replies) << replies.error().message;
  ASSERT_EQ(replies->size(), 20'000U);
  EXPECT_EQ(replies->back().text(), "19999");
}

TEST(RedisConnection, NothingAppendedIsAnsweredWithNothing) {
  auto connection = connected();
  const auto replies = connection->exchange();
  ASSERT_TRUE(replies);
  EXPECT_TRUE(replies->empty());
}

TEST(RedisConnection, ArraysInArraysKeepTheirShape) {
  auto connection = connected();
  connection->command({"EVAL", "return {1, {'two', {3}}, {}, false, 'four'}", "0"});
  const auto reply = connection->one();
  ASSERT_TRUE(reply) << reply.error().message;
  ASSERT_EQ(reply->size(), 5U);
  EXPECT_EQ((*reply)[0].integer(), 1);
  EXPECT_EQ((*reply)[1][0].text(), "two");
  EXPECT_EQ((*reply)[1][1][0].integer(), 3);
  EXPECT_EQ((*reply)[2].kind(), Reply::Kind::array);
  EXPECT_EQ((*reply)[2].size(), 0U);
  EXPECT_TRUE((*reply)[3].is_nil());
  EXPECT_EQ((*reply)[4].text(), "four");
}

TEST(RedisConnection, ScriptThatTheServerForgotIsLoadedAndCalledAgain) {
  RedisServer server;
  auto connection = connected(at(server));
  // The server tells the hash, so that the test needs none of its own.
  connection->command({"SCRIPT", "LOAD", echo.text});
  const std::string sha1(connection->one()->text());
  const Script script{"echo", sha1, 1, echo.text};
  connection->command({"SCRIPT", "FLUSH"});
  ASSERT_TRUE(connection->one());
  const std::string_view key = "k", first = "1", third = "3";
  connection->call(script, {&key, 1}, {&first, 1});
  connection->command({"ECHO", "2"});
  connection->call(script, {&key, 1}, {&third, 1});
  const auto replies = connection->exchange();
  ASSERT_TRUE(replies) << replies.error().message;
  ASSERT_EQ(replies->size(), 3U);
  EXPECT_EQ((*replies)[0][0].text(), "k");
  EXPECT_EQ((*replies)[0][1].text(), "1");
  EXPECT_EQ((*replies)[1].text(), "2");
  EXPECT_EQ((*replies)[2][1].text(), "3");
}

TEST(RedisConnection, ErrorOfACommandIsAReplyOfTheExchangeAndAnErrorOfOne) {
  auto connection = connected();
  connection->command({"NO-SUCH-COMMAND"});
  connection->command({"PING"});
  const auto replies = connection->exchange();
  ASSERT_TRUE(replies);
  EXPECT_TRUE((*replies)[0].is_error());
  EXPECT_EQ((*replies)[1].text(), "PONG");
  connection->command({"NO-SUCH-COMMAND"});
  const auto one = connection->one();
  ASSERT_FALSE(one);
  EXPECT_EQ(one.error().code, Errc::internal);
  EXPECT_TRUE(connection->connected());
}

TEST(RedisConnection, RestartedServerIsFoundAgainWithAnotherRunId) {
  RedisServer server;
  auto connection = connected(at(server));
  int greeted = 0;
  ASSERT_TRUE(connection->greet([&](Connection&) {
    ++greeted;
    return Result<void>();
  }));
  const std::string before = connection->server().run_id;
  EXPECT_EQ(before.size(), 40U);
  server.kill();
  server.start();
  connection->command({"PING"});
  const auto cut = connection->exchange();
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code, Errc::unavailable);
  connection->command({"PING"});
  const auto reply = connection->one();
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_NE(connection->server().run_id, before);
  EXPECT_EQ(greeted, 2);
}

TEST(RedisConnection, BlockingReadIsAnsweredWhenTheTimeComes) {
  auto blocked = connected();
  auto other = connected();
  blocked->command({"BLPOP", "blocking", "0"});
  ASSERT_TRUE(blocked->send());
  auto nothing = blocked->receive(in(std::chrono::milliseconds{-1}));
  ASSERT_TRUE(nothing);
  EXPECT_FALSE(*nothing);
  other->command({"RPUSH", "blocking", "token"});
  ASSERT_TRUE(other->one());
  auto woken = blocked->receive(in(std::chrono::seconds{10}));
  ASSERT_TRUE(woken && *woken);
  EXPECT_EQ((**woken)[1].text(), "token");
  EXPECT_EQ(blocked->awaited(), 0U);
}

TEST(RedisConnection, BlockedReadIsEndedByItsClientId) {
  auto blocked = connected();
  auto other = connected();
  ASSERT_GT(blocked->client_id(), 0);
  blocked->command({"BLPOP", "nobody-pushes", "0"});
  ASSERT_TRUE(blocked->send());
  // The server may not have begun to block when it is asked the first time.
  const std::string id = std::to_string(blocked->client_id());
  std::int64_t ended = 0;
  while (ended == 0) {
    other->command({"CLIENT", "UNBLOCK", id});
    const auto reply = other->one();
    ASSERT_TRUE(reply) << reply.error().message;
    ended = reply->integer();
  }
  auto woken = blocked->receive(in(std::chrono::seconds{10}));
  ASSERT_TRUE(woken && *woken);
  EXPECT_TRUE((*woken)->is_nil());
}

TEST(RedisConnection, WaysNotToReachAServerAreToldApart) {
  Address address;
  address.unix_path = shared_redis().socket() + ".not";
  EXPECT_THAT(refusal(address).message, HasSubstr("no such socket"));

  Address nobody;
  nobody.port = 1;
  EXPECT_THAT(refusal(nobody).message, HasSubstr("refused"));

  Address unknown;
  unknown.host = "no-such-host.invalid";
  const Error error = refusal(unknown);
  EXPECT_EQ(error.code, Errc::unavailable);
  EXPECT_THAT(error.message, HasSubstr("no-such-host.invalid"));
}

TEST(RedisConnection, StoppedServerIsATimeOut) {
  RedisServer server;
  server.pause();
  const Error error = refusal(at(server), {.connect = Duration{50}, .call = Duration{50}});
  server.resume();
  EXPECT_EQ(error.code, Errc::unavailable);
  EXPECT_THAT(error.message, HasSubstr("within 0.05 s"));
}

TEST(RedisConnection, TcpIsSpokenLikeASocketFile) {
  RedisServer server(RedisOptions{.tcp = true});
  Address address;
  address.port = server.port();
  address.database = 3;
  auto connection = connected(address);
  connection->command({"CLIENT", "INFO"});
  const auto reply = connection->one();
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_THAT(std::string(reply->text()), HasSubstr("db=3"));
  EXPECT_THAT(std::string(reply->text()), HasSubstr("name=penstock-"));
}

TEST(RedisConnection, AccountsAreCheckedAndTheirErrorsToldApart) {
  RedisServer server;
  ASSERT_EQ(server.command({"CONFIG", "SET", "requirepass", "secret"}), "OK");
  Address address = at(server);
  EXPECT_EQ(refusal(address).code, Errc::denied);
  EXPECT_THAT(refusal(address).message, HasSubstr("asks for a password"));
  address.password = "wrong";
  EXPECT_EQ(refusal(address).code, Errc::denied);
  EXPECT_THAT(refusal(address).message, HasSubstr("does not accept"));
  address.password = "secret";
  auto connection = connected(address);
  connection->command({"ACL", "SETUSER", "ann", "on", ">pass", "~a*", "+@all", "-flushall"});
  ASSERT_TRUE(connection->one());
  address.user = "ann";
  address.password = "pass";
  auto limited = connected(address);
  limited->command({"FLUSHALL"});
  const auto refused = limited->one();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::denied);
}

TEST(RedisConnection, PasswordForAServerWithoutOneIsExplained) {
  Address address = at(shared_redis());
  address.password = "needless";
  const Error error = refusal(address);
  EXPECT_EQ(error.code, Errc::denied);
  EXPECT_THAT(error.message, HasSubstr("no password set"));
}

TEST(RedisConnection, DatabaseThatIsNotThereIsInvalid) {
  Address address = at(shared_redis());
  address.database = 16'000;
  EXPECT_EQ(refusal(address).code, Errc::invalid);
}

TEST(RedisConnection, FullServerIsLimitedWhateverMeetsIt) {
  RedisServer server(RedisOptions{.config = {"maxmemory 1kb", "maxmemory-policy noeviction"}});
  auto connection = connected(at(server));
  connection->command({"SET", "a", "b"});
  const auto plain = connection->one();
  ASSERT_FALSE(plain);
  EXPECT_EQ(plain.error().code, Errc::limited);
  connection->command({"EVAL", "return redis.call('SET', KEYS[1], 'b')", "1", "a"});
  const auto scripted = connection->one();
  ASSERT_FALSE(scripted);
  EXPECT_EQ(scripted.error().code, Errc::limited) << scripted.error().message;
}

TEST(RedisConnection, NoMoreConnectionsThanAllowed) {
  const Timeouts two{.max_connections = 2};
  const auto first = Connection::open(at(shared_redis()), two);
  const auto second = Connection::open(at(shared_redis()), two);
  ASSERT_TRUE(first && second);
  const Error error = refusal(at(shared_redis()), two);
  EXPECT_EQ(error.code, Errc::limited);
  EXPECT_THAT(error.message, HasSubstr("REDIS_MAX_CONNECTIONS"));
}

struct Word {
  const char* reply;
  Errc code;
};

TEST(RedisErrors, FirstWordOfTheReplyDecides) {
  for (const Word& word : {
           Word{"LOADING Redis is loading the dataset in memory", Errc::unavailable},
           Word{"BUSY Redis is busy running a script.", Errc::unavailable},
           Word{"READONLY You can't write against a read only replica.", Errc::unavailable},
           Word{"MASTERDOWN Link with MASTER is down", Errc::unavailable},
           Word{"MOVED 3999 127.0.0.1:6381", Errc::unavailable},
           Word{"ASK 3999 127.0.0.1:6381", Errc::unavailable},
           Word{"TRYAGAIN Multiple keys request during rehashing of slot", Errc::unavailable},
           Word{"CLUSTERDOWN The cluster is down", Errc::unavailable},
           Word{"NOREPLICAS Not enough good replicas to write.", Errc::unavailable},
           Word{"MISCONF Redis is configured to save RDB snapshots", Errc::unavailable},
           Word{"OOM command not allowed when used memory > 'maxmemory'.", Errc::limited},
           Word{"NOAUTH Authentication required.", Errc::denied},
           Word{"WRONGPASS invalid username-password pair", Errc::denied},
           Word{"NOPERM this user has no permissions", Errc::denied},
           Word{"WRONGTYPE Operation against a key holding the wrong kind", Errc::internal},
           Word{"ERR Error running script (call to f_abc): @user_script:9: @user_script: 9: -OOM "
                "command not allowed when used memory > 'maxmemory'",
                Errc::limited},
           Word{"ERR unknown command", Errc::internal},
           Word{"", Errc::internal},
       }) {
    const Error error = to_error(Reply::of_text(Reply::Kind::error, word.reply), "redis at h:1");
    EXPECT_EQ(error.code, word.code) << word.reply;
    EXPECT_THAT(error.message, StartsWith("redis at h:1 ")) << word.reply;
  }
}

TEST(RedisErrors, FullDiskIsCalledADisk) {
  const Reply reply = Reply::of_text(Reply::Kind::error, "MISCONF Redis is configured ...");
  EXPECT_THAT(to_error(reply, "redis").message, HasSubstr("disk"));
}

}  // namespace
}  // namespace penstock::redis
