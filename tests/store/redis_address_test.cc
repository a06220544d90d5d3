// SPDX-License-Identifier: MIT
//
// Store URLs of a Redis, and the limits that the environment sets.
#include "store/redis/address.h"
#include "store/redis/limits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

namespace penstock::redis {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

Address parsed(std::string_view url) {
  auto address = parse_address(url);
  EXPECT_TRUE(address) << url << ": " << address.error().message;
  return address ? *address : Address();
}

std::string refused(std::string_view url) {
  const auto address = parse_address(url);
  if (address) return "understood";
  EXPECT_EQ(address.error().code, Errc::invalid);
  return address.error().message;
}

TEST(RedisAddress, NothingButTheSchemeIsTheUsualPlace) {
  const Address address = parsed("redis:");
  EXPECT_EQ(address.host, "127.0.0.1");
  EXPECT_EQ(address.port, 6379);
  EXPECT_EQ(address.database, 0);
  EXPECT_EQ(address.prefix, "penstock");
}

TEST(RedisAddress, EveryPartOfTheUrlIsRead) {
  const Address address = parsed("redis://ann:p%40ss%2Fw:rd@cache.local:7000/3?prefix=blue");
  EXPECT_EQ(address.user, "ann");
  EXPECT_EQ(address.password, "p@ss/w:rd");
  EXPECT_EQ(address.host, "cache.local");
  EXPECT_EQ(address.port, 7000);
  EXPECT_EQ(address.database, 3);
  EXPECT_EQ(address.prefix, "blue");
}

TEST(RedisAddress, PasswordMayStandWithoutUser) {
  const Address address = parsed("redis://:secret@h/");
  EXPECT_EQ(address.user, "");
  EXPECT_EQ(address.password, "secret");
  EXPECT_EQ(address.host, "h");
}

TEST(RedisAddress, SocketPathAndDatabaseOption) {
  const Address address = parsed("redis+unix:///run/my%20redis.sock?db=2&prefix=x&shards=1");
  EXPECT_EQ(address.unix_path, "/run/my redis.sock");
  EXPECT_EQ(address.database, 2);
  EXPECT_EQ(address.prefix, "x");
}

TEST(RedisAddress, Ipv6HostStandsInBrackets) {
  const Address address = parsed("redis://[::1]:6380/1");
  EXPECT_EQ(address.host, "::1");
  EXPECT_EQ(address.port, 6380);
  EXPECT_EQ(printable(address), "redis://[::1]:6380/1");
}

TEST(RedisAddress, WhatIsWrongIsNamed) {
  EXPECT_THAT(refused("redis://h:0"), HasSubstr("port"));
  EXPECT_THAT(refused("redis://h:99999"), HasSubstr("port"));
  EXPECT_THAT(refused("redis://h:63x9"), HasSubstr("port"));
  EXPECT_THAT(refused("redis://h/one"), HasSubstr("database"));
  EXPECT_THAT(refused("redis://h/-1"), HasSubstr("database"));
  EXPECT_THAT(refused("redis://h/1/2"), HasSubstr("database"));
  EXPECT_THAT(refused("redis://h?shards=4"), HasSubstr("shards=1"));
  EXPECT_THAT(refused("redis://h?colour=red"), HasSubstr("option"));
  EXPECT_THAT(refused("redis://h?prefix=a%20b"), HasSubstr("prefix"));
  EXPECT_THAT(refused("redis://u:%zz@h"), HasSubstr("%"));
  EXPECT_THAT(refused("redis://u:p%0"), HasSubstr("port"));
  EXPECT_THAT(refused("redis+unix://relative"), HasSubstr("path"));
  EXPECT_THAT(refused("redis+unix:///" + std::string(200, 'x')), HasSubstr("107"));
  EXPECT_THAT(refused("redis/h"), HasSubstr("understood"));
  EXPECT_THAT(refused("redis:6379"), HasSubstr("understood"));
}

TEST(RedisAddress, SchemesOfLaterVersionsSaySo) {
  for (const auto* url : {"rediss://h", "redis-sentinel://h/m", "redis-cluster://h"}) {
    EXPECT_THAT(refused(url), HasSubstr("not there yet"));
  }
}

TEST(RedisAddress, NoMessageShowsThePassword) {
  EXPECT_THAT(refused("redis://ann:hunter2@h:0"), Not(HasSubstr("hunter2")));
  EXPECT_THAT(refused("redis://hunter2@h"), Not(HasSubstr("hunter2")));
  EXPECT_THAT(refused("rediss://:hunter2@h"), Not(HasSubstr("hunter2")));
  EXPECT_THAT(printable(parsed("redis://ann:hunter2@h/1")), Not(HasSubstr("hunter2")));
}

TEST(RedisAddress, PrintedFormIsReadBackAsTheSamePlace) {
  for (const std::string url :
       {"redis:", "redis:?prefix=blue", "redis://h:1/0", "redis+unix:///a/b%20c",
        "redis+unix:///a?db=3&prefix=x", "redis://h:6379/2?prefix=x"}) {
    EXPECT_EQ(printable(parsed(url)), url);
  }
  EXPECT_EQ(printable(parsed("redis://h")), "redis://h:6379/0");
}

Result<Timeouts> with(std::map<std::string, std::string> environment) {
  return read_timeouts([&](const char* name) { return environment[name]; });
}

TEST(RedisLimits, SecondsMayHaveAFraction) {
  const auto read = with({{"REDIS_SOCKET_TIMEOUT", "2.5"}, {"REDIS_CONNECT_TIMEOUT", "1"}});
  ASSERT_TRUE(read);
  EXPECT_EQ(read->call, Duration{2500});
  EXPECT_EQ(read->connect, Duration{1000});
  EXPECT_EQ(read->max_connections, 0);
}

TEST(RedisLimits, WhatIsNoNumberIsRefusedByName) {
  for (const std::string text : {"soon", "0", "-1", "1e9", "nan", "5s"}) {
    const auto read = with({{"REDIS_SOCKET_TIMEOUT", text}});
    ASSERT_FALSE(read) << text;
    EXPECT_EQ(read.error().code, Errc::invalid);
    EXPECT_THAT(read.error().message, HasSubstr("REDIS_SOCKET_TIMEOUT=\"" + text));
  }
  EXPECT_FALSE(with({{"REDIS_MAX_CONNECTIONS", "0"}}));
  EXPECT_FALSE(with({{"REDIS_MAX_CONNECTIONS", "many"}}));
}

TEST(RedisLimits, PlaceIsGivenBackWhenItGoes) {
  {
    const auto first = ConnectionPlace::take(1);
    ASSERT_TRUE(first);
    const auto second = ConnectionPlace::take(1);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::limited);
    EXPECT_THAT(second.error().message, HasSubstr("REDIS_MAX_CONNECTIONS"));
  }
  EXPECT_TRUE(ConnectionPlace::take(1));
}

}  // namespace
}  // namespace penstock::redis
