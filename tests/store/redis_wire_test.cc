// SPDX-License-Identifier: MIT
//
// A connection against a server that misbehaves: nothing that comes over the wire may crash the
// program, hang it, or be taken for the answer to something else.
#include "store/redis/connection.h"
#include "tests/support/fake_redis.h"

#include <penstock/testing.h>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace penstock::redis {
namespace {

using penstock::testing::FakeRedis;
using ::testing::HasSubstr;
using ::testing::Not;

Address at(const FakeRedis& server) {
  Address address;
  address.unix_path = server.path();
  return address;
}

// A call that is never answered ends after this much real time.
constexpr Timeouts brief{.connect = Duration{500}, .call = Duration{50}};

std::unique_ptr<Connection> connected(const FakeRedis& server, Clock& clock = real_clock()) {
  auto opened = Connection::open(at(server), brief, clock);
  EXPECT_TRUE(opened) << opened.error().message;
  return opened ? *std::move(opened) : nullptr;
}

Error failure(Connection& connection) {
  connection.command({"PING"});
  const auto replies = connection.exchange();
  EXPECT_FALSE(replies);
  return replies ? Error{Errc::internal, "it answered"} : replies.error();
}

TEST(RedisWire, SilenceEndsInTimeAndTheOutcomeIsUnknown) {
  FakeRedis server({{FakeRedis::greeting()}});
  auto connection = connected(server);
  const Error error = failure(*connection);
  EXPECT_EQ(error.code, Errc::unavailable);
  EXPECT_THAT(error.message, HasSubstr("not known"));
  EXPECT_THAT(error.message, HasSubstr("REDIS_SOCKET_TIMEOUT"));
  EXPECT_FALSE(connection->connected());
}

TEST(RedisWire, LateReplyIsNotTakenForThatOfTheNextCall) {
  // Half of the first call's reply comes; its rest would be the beginning of the second's.
  FakeRedis server({{FakeRedis::greeting(), "$5\r\nfir"}, {FakeRedis::greeting(), "+second\r\n"}});
  auto connection = connected(server);
  failure(*connection);
  connection->command({"PING"});
  const auto reply = connection->one();
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->text(), "second");
}

TEST(RedisWire, CutConnectionIsMadeAgainAtOnceByTheNextExchange) {
  FakeRedis server(
      {{FakeRedis::greeting(), FakeRedis::hang_up}, {FakeRedis::greeting(), ":1\r\n"}});
  auto connection = connected(server);
  EXPECT_EQ(failure(*connection).code, Errc::unavailable);
  connection->command({"PING"});
  const auto reply = connection->one();
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->integer(), 1);
}

TEST(RedisWire, FailedConnectsPauseLongerAndLongerWithoutWaiting) {
  SimClock clock;
  auto server = std::make_unique<FakeRedis>(
      std::vector<std::vector<std::string>>{{FakeRedis::greeting(), FakeRedis::hang_up}});
  auto connection = connected(*server, clock);
  server.reset();
  failure(*connection);  // The connection is cut.
  failure(*connection);  // The first connect fails, at once.
  for (const int pause : {50, 100, 200, 400, 500, 500}) {
    const std::string next = "next try in " + std::to_string(pause) + " ms";
    EXPECT_THAT(failure(*connection).message, HasSubstr(next));
    clock.advance(Duration{pause});
    EXPECT_THAT(failure(*connection).message, Not(HasSubstr("next try")));
  }
}

TEST(RedisWire, NonsenseIsUnavailableAndEndsTheConnection) {
  const std::string deep(64, '*');
  std::string nested;
  for (int i = 0; i < 20; ++i) nested += "*1\r\n";
  for (const std::string& answer :
       {std::string("HTTP/1.1 400 Bad Request\r\n\r\n"), std::string("$-5\r\nx\r\n"),
        std::string("*2147483647\r\n"), std::string("*99999999999999999999\r\n"),
        std::string("$99999999999999999999\r\n"), std::string(":12x\r\n"), nested, deep + "\r\n",
        std::string("\0\0\0\0", 4), std::string("*-7\r\n")}) {
    FakeRedis server({{FakeRedis::greeting(), answer}});
    auto connection = connected(server);
    EXPECT_EQ(failure(*connection).code, Errc::unavailable) << answer;
    EXPECT_FALSE(connection->connected()) << answer;
  }
}

TEST(RedisWire, ReplyInPiecesIsOneReply) {
  FakeRedis server({{FakeRedis::greeting(), "*2\r\n$4\r\na\r", "\nb\r\n*1\r\n:-4\r\n"}});
  auto connection = connected(server);
  connection->command({"PING"});
  ASSERT_TRUE(connection->send());
  auto early = connection->receive(real_clock().steady() + std::chrono::milliseconds{20});
  ASSERT_TRUE(early);
  EXPECT_FALSE(*early);
  connection->command({"PING"});
  ASSERT_TRUE(connection->send());
  auto reply = connection->receive(real_clock().steady() + std::chrono::seconds{5});
  ASSERT_TRUE(reply && *reply);
  EXPECT_EQ((**reply)[0].text(), "a\r\nb");
  EXPECT_EQ((**reply)[1][0].integer(), -4);
}

TEST(RedisWire, OldServerIsRefusedWithBothVersions) {
  FakeRedis server({{FakeRedis::greeting("6.0.16")}});
  const auto opened = Connection::open(at(server), brief);
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, Errc::conflict);
  EXPECT_THAT(opened.error().message, HasSubstr("6.0.16"));
  EXPECT_THAT(opened.error().message, HasSubstr("6.2"));
}

TEST(RedisWire, VersionsAreComparedAsNumbers) {
  for (const std::string version : {"6.2.0", "6.10.1", "7.0.15", "10.0.0", "255.255.255"}) {
    FakeRedis server({{FakeRedis::greeting(version)}});
    EXPECT_TRUE(Connection::open(at(server), brief)) << version;
  }
}

TEST(RedisWire, SomethingElseThanARedisIsNotOpened) {
  FakeRedis server({{"+OK\r\n:1\r\n+hello\r\n"}});
  const auto opened = Connection::open(at(server), brief);
  ASSERT_FALSE(opened);
  EXPECT_THAT(opened.error().message, HasSubstr("like a Redis"));
}

TEST(RedisWire, WrongHashOfALoadedScriptIsOurFault) {
  FakeRedis server({{FakeRedis::greeting(), "-NOSCRIPT No matching script.\r\n",
                     FakeRedis::text("beef") + ":1\r\n"}});
  auto connection = connected(server);
  const Script script{"one", "cafe", 0, "return 1"};
  connection->call(script, {}, {});
  const auto replies = connection->exchange();
  ASSERT_FALSE(replies);
  EXPECT_EQ(replies.error().code, Errc::internal);
  EXPECT_THAT(replies.error().message, HasSubstr("beef"));
}

TEST(RedisWire, GreetingRunsAfterEveryConnectAndItsErrorEndsIt) {
  FakeRedis server({{FakeRedis::greeting(), "+layout 1\r\n", FakeRedis::hang_up},
                    {FakeRedis::greeting(), "+layout 9\r\n"}});
  SimClock clock;
  auto connection = connected(server, clock);
  int greeted = 0;
  const auto greeting = [&](Connection& peer) -> Result<void> {
    ++greeted;
    peer.command({"GET", "layout"});
    const auto layout = peer.one();
    if (!layout) return layout.error();
    if (layout->text() == "layout 1") return {};
    return Error{Errc::conflict, "another layout"};
  };
  ASSERT_TRUE(connection->greet(greeting));
  failure(*connection);
  const Error error = failure(*connection);
  EXPECT_EQ(greeted, 2);
  EXPECT_EQ(error.code, Errc::conflict);
  EXPECT_FALSE(connection->connected());
  EXPECT_THAT(server.heard(), Not(HasSubstr("PING\r\n*1\r\n$4\r\nPING")));
}

TEST(RedisWire, AbandonedBlockingReadIsNotAnsweredToAnExchange) {
  FakeRedis server({{FakeRedis::greeting(), "+late\r\n"}, {FakeRedis::greeting(), "+right\r\n"}});
  auto connection = connected(server);
  connection->command({"BLPOP", "wake", "0"});
  ASSERT_TRUE(connection->send());
  connection->command({"PING"});
  const auto reply = connection->one();
  ASSERT_TRUE(reply) << reply.error().message;
  EXPECT_EQ(reply->text(), "right");
}

TEST(RedisWire, ReceiveAfterACutSaysThatNothingComes) {
  FakeRedis server({{FakeRedis::greeting(), FakeRedis::hang_up}});
  auto connection = connected(server);
  connection->command({"BLPOP", "wake", "0"});
  ASSERT_TRUE(connection->send());
  const auto cut = connection->receive(real_clock().steady() + std::chrono::seconds{5});
  ASSERT_FALSE(cut);
  EXPECT_EQ(cut.error().code, Errc::unavailable);
  EXPECT_FALSE(connection->receive(real_clock().steady()));
  EXPECT_EQ(connection->fd(), -1);
}

}  // namespace
}  // namespace penstock::redis
