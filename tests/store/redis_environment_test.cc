// SPDX-License-Identifier: MIT
//
// Which Redis the environment names, and what "auto" makes of it.
#include "client/store_url.h"
#include "store/open.h"
#include "store/redis/address.h"
#include "store/redis/environment.h"
#include "tests/support/fake_redis.h"
#include "tests/support/redis_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>

namespace penstock::redis {
namespace {

using penstock::testing::FakeRedis;
using penstock::testing::shared_redis;
using ::testing::HasSubstr;
using ::testing::StartsWith;

using Set = std::map<std::string, std::string>;

Variables of(const Set& set) {
  return [&set](const char* name) {
    const auto found = set.find(name);
    return found == set.end() ? std::string() : found->second;
  };
}

TEST(RedisEnvironment, NothingSetNamesNothing) {
  EXPECT_FALSE(aliased_url(of({})));
  EXPECT_FALSE(aliased_url(of({{"REDIS_PORT", "7000"}, {"REDIS_PASSWORD", "x"}})));
}

TEST(RedisEnvironment, UrlComesBeforeHostBeforeEndpoint) {
  Set set{{"ELASTICACHE_ENDPOINT", "cache.aws:7001"}};
  EXPECT_EQ(aliased_url(of(set))->url, "redis://cache.aws:7001/0");
  EXPECT_EQ(aliased_url(of(set))->variable, "ELASTICACHE_ENDPOINT");
  set["REDIS_HOST"] = "h";
  EXPECT_EQ(aliased_url(of(set))->url, "redis://h:6379/0");
  EXPECT_EQ(aliased_url(of(set))->variable, "REDIS_HOST");
  set["REDIS_URL"] = "redis://u:p@other";
  EXPECT_EQ(aliased_url(of(set))->url, "redis://u:p@other");
  EXPECT_EQ(aliased_url(of(set))->variable, "REDIS_URL");
}

TEST(RedisEnvironment, PartsOfAHostMakeAUrlThatMeansThem) {
  const auto alias = aliased_url(of({{"REDIS_HOST", "::1"},
                                     {"REDIS_PORT", "7000"},
                                     {"REDIS_DB", "4"},
                                     {"REDIS_PASSWORD", "p@ss:/%?"}}));
  const auto address = parse_address(alias->url);
  ASSERT_TRUE(address) << address.error().message;
  EXPECT_EQ(address->host, "::1");
  EXPECT_EQ(address->port, 7000);
  EXPECT_EQ(address->database, 4);
  EXPECT_EQ(address->password, "p@ss:/%?");
}

TEST(RedisEnvironment, WrongPartsAreRefusedWhenTheUrlIsUsed) {
  EXPECT_FALSE(parse_address(aliased_url(of({{"REDIS_HOST", "h"}, {"REDIS_PORT", "x"}}))->url));
  EXPECT_FALSE(parse_address(aliased_url(of({{"REDIS_HOST", "h"}, {"REDIS_DB", "x"}}))->url));
}

TEST(RedisEnvironment, KeyPrefixGoesToUrlsWithoutOne) {
  const Set set{{"REDIS_KEY_PREFIX", "blue"}};
  EXPECT_EQ(with_key_prefix("redis:", of(set)), "redis:?prefix=blue");
  EXPECT_EQ(with_key_prefix("redis+unix:///s?db=1", of(set)), "redis+unix:///s?db=1&prefix=blue");
  EXPECT_EQ(with_key_prefix("redis:?prefix=red", of(set)), "redis:?prefix=red");
  EXPECT_EQ(with_key_prefix("sqlite:a.db", of(set)), "sqlite:a.db");
  EXPECT_EQ(with_key_prefix("redis:", of({})), "redis:");
}

TEST(RedisEnvironment, ServerThatRefusesIsOneThatAnswers) {
  EXPECT_TRUE(answers(shared_redis().url("x"), auto_patience));
  FakeRedis old({{FakeRedis::greeting("5.0.0")}});
  EXPECT_TRUE(answers("redis+unix://" + old.path(), auto_patience));
  FakeRedis silent(std::vector<std::vector<std::string>>(1));
  const auto none = answers("redis+unix://" + silent.path(), Duration{20});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, Errc::unavailable);
}

// The variables of this process, set for one test.
class AutoStore : public ::testing::Test {
 protected:
  void SetUp() override { TearDown(); }
  void TearDown() override {
    for (const char* name : {"PENSTOCK_STORE", "REDIS_URL", "REDIS_HOST", "REDIS_KEY_PREFIX",
                             "ELASTICACHE_ENDPOINT"}) {
      ::unsetenv(name);
    }
  }
};

TEST_F(AutoStore, TakesTheServerOfTheAliasesWhenItAnswers) {
  ::setenv("REDIS_URL", shared_redis().url("x").c_str(), 1);
  const StoreUrl store = settle_store_url("auto", "--store");
  EXPECT_EQ(store.url, shared_redis().url("x"));
  EXPECT_EQ(store.origin, "--store auto: the server of REDIS_URL answers");
}

TEST_F(AutoStore, TakesTheFileWhenNobodyAnswers) {
  ::setenv("REDIS_URL", "redis+unix:///no/such.sock", 1);
  const StoreUrl store = settle_store_url("auto", "PENSTOCK_STORE");
  EXPECT_EQ(store.url, default_store_url());
  EXPECT_EQ(store.origin, "PENSTOCK_STORE auto: the server of REDIS_URL does not answer");
}

TEST_F(AutoStore, DoesNotPassOverAnAliasThatCannotBeRead) {
  ::setenv("REDIS_URL", "redis://h:port", 1);
  EXPECT_EQ(settle_store_url("auto", "--store").url, "redis://h:port");
}

TEST_F(AutoStore, AliasesComeAfterTheOwnVariableAndBeforeTheFile) {
  ::setenv("REDIS_URL", "redis://h", 1);
  EXPECT_EQ(resolve_store_url("", "--store", "sqlite:in-file.db").origin, "REDIS_URL");
  ::setenv("PENSTOCK_STORE", "sqlite:own.db", 1);
  EXPECT_EQ(resolve_store_url("", "--store", "sqlite:in-file.db").url, "sqlite:own.db");
  EXPECT_EQ(resolve_store_url("sqlite:typed.db").origin, "--store");
}

TEST_F(AutoStore, FileAndDefaultCountWhenNoVariableIsSet) {
  EXPECT_EQ(resolve_store_url("", "--store", "sqlite:in-file.db").origin, "penstock.toml");
  EXPECT_EQ(resolve_store_url("").origin, "default");
}

TEST_F(AutoStore, AliasIsNamedAsTheOrigin) {
  ::setenv("REDIS_HOST", "h", 1);
  ::setenv("REDIS_KEY_PREFIX", "blue", 1);
  const auto store = aliased_store_url();
  ASSERT_TRUE(store);
  EXPECT_EQ(store->url, "redis://h:6379/0?prefix=blue");
  EXPECT_EQ(store->origin, "REDIS_HOST");
}

}  // namespace
}  // namespace penstock::redis
