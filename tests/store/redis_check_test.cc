// SPDX-License-Identifier: MIT
//
// What is said of a server: by the answers it may give, and of real ones.
#include "store/open.h"
#include "store/redis/check.h"
#include "tests/support/redis_server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace penstock::redis {
namespace {

using penstock::testing::RedisOptions;
using penstock::testing::RedisServer;
using ::testing::HasSubstr;

constexpr Configured safe{
    .told = true, .appendfsync = "everysec", .save = "", .aof_rewrite_min_size = "1073741824"};
const std::string sound =
    "redis_version:7.0.15\r\nused_memory:1000000\r\nmaxmemory:0\r\nmaxmemory_policy:noeviction\r\n"
    "aof_enabled:1\r\naof_last_write_status:ok\r\nrdb_last_bgsave_status:ok\r\nrole:master\r\n";

// Every finding in one text, serious ones with a mark.
std::string findings(const Health& health) {
  std::string all;
  for (const auto& one : health.findings) {
    all += (one.serious ? "!" : "") + one.what + " -> " + one.hint + "\n";
  }
  return all;
}

std::string said_of(const std::string& report, const Configured& configured = safe) {
  return findings(judge(report, configured));
}

std::string with(std::string report, const std::string& from, const std::string& to) {
  const auto at = report.find(from);
  return at == std::string::npos ? report + to + "\r\n" : report.replace(at, from.size(), to);
}

TEST(RedisCheck, SoundServerHasNoFindings) {
  const Health health = judge(sound, safe);
  EXPECT_EQ(findings(health), "");
  EXPECT_EQ(health.version, "Redis 7.0.15");
  EXPECT_EQ(health.durability, "received");
  EXPECT_FALSE(health.evicts);
  EXPECT_TRUE(health.persistent);
  EXPECT_TRUE(check_safe(health));
}

TEST(RedisCheck, EvictingPolicyIsSeriousWithOrWithoutALimit) {
  const std::string lru = with(sound, "noeviction", "allkeys-lru");
  EXPECT_THAT(said_of(lru), HasSubstr("!maxmemory-policy is allkeys-lru: once a maxmemory is set"));
  EXPECT_THAT(said_of(with(lru, "maxmemory:0", "maxmemory:100000000")),
              HasSubstr("!maxmemory-policy is allkeys-lru: when memory is full"));
  EXPECT_EQ(check_safe(judge(lru, safe)).error().code, Errc::denied);
}

TEST(RedisCheck, ServerWithoutPersistenceIsNotSafe) {
  const Health health = judge(with(sound, "aof_enabled:1", "aof_enabled:0"), safe);
  EXPECT_FALSE(health.persistent);
  EXPECT_THAT(findings(health), HasSubstr("!nothing is written to disk"));
  EXPECT_EQ(check_safe(health).error().code, Errc::denied);
}

TEST(RedisCheck, SnapshotsAloneAreToldButSafe) {
  Configured snapshots = safe;
  snapshots.save = "3600 1";
  const Health health = judge(with(sound, "aof_enabled:1", "aof_enabled:0"), snapshots);
  EXPECT_THAT(findings(health), HasSubstr("!only snapshots are written (save 3600 1)"));
  EXPECT_TRUE(check_safe(health));
}

TEST(RedisCheck, FsyncedIsReachedWhereTheDiskIsWaitedFor) {
  Configured always = safe;
  always.appendfsync = "always";
  EXPECT_EQ(judge(sound, always).durability, "fsynced");
  EXPECT_EQ(judge(with(sound, "aof_enabled:1", "aof_enabled:0"), always).durability, "received");
  EXPECT_EQ(judge(sound + "connected_slaves:2\r\n", always).durability, "fsynced, replicated:2");
  EXPECT_EQ(judge(with(sound, "7.0.15", "7.2.0"), safe).durability, "fsynced");
  EXPECT_EQ(judge(with(sound, "7.0.15", "10.0.1"), safe).durability, "fsynced");
  always.appendfsync = "no";
  EXPECT_THAT(said_of(sound, always), HasSubstr("appendfsync is no"));
}

TEST(RedisCheck, EachTroubleIsNamed) {
  EXPECT_THAT(said_of(with(sound, "aof_last_write_status:ok", "aof_last_write_status:err")),
              HasSubstr("!the last write to the append-only file failed"));
  EXPECT_THAT(said_of(with(sound, "rdb_last_bgsave_status:ok", "rdb_last_bgsave_status:err")),
              HasSubstr("!the last snapshot failed"));
  EXPECT_THAT(said_of(sound + "aof_last_bgrewrite_status:err\r\n"), HasSubstr("BGREWRITEAOF"));
  EXPECT_THAT(said_of(sound + "aof_delayed_fsync:12\r\n"), HasSubstr("too slow for the append"));
  EXPECT_THAT(said_of(sound + "latest_fork_usec:400000\r\n"), HasSubstr("fork took 400 ms"));
  EXPECT_THAT(said_of(with(sound, "maxmemory:0", "maxmemory:1048576")),
              HasSubstr("!memory is at 0 MiB of 1 MiB"));
  EXPECT_THAT(said_of(with(sound, "role:master", "role:slave")), HasSubstr("!this is a replica"));
}

TEST(RedisCheck, SmallRewritesAreToldOfAServerThatIsUsed) {
  Configured small = safe;
  small.aof_rewrite_min_size = "67108864";
  EXPECT_EQ(said_of(sound, small), "");
  EXPECT_THAT(said_of(sound + "aof_current_size:90000000\r\n", small),
              HasSubstr("auto-aof-rewrite-min-size is 64 MiB"));
}

TEST(RedisCheck, RefusedConfigIsSaid) {
  EXPECT_THAT(said_of(sound, {}), HasSubstr("CONFIG GET"));
  const Health dark = judge(with(sound, "aof_enabled:1", "aof_enabled:0"), {});
  EXPECT_THAT(findings(dark), HasSubstr("could not be looked at"));
  EXPECT_FALSE(check_safe(dark));
}

TEST(RedisCheck, RealServerIsJudgedByItsSettings) {
  RedisServer server(RedisOptions{.appendfsync = "always"});
  const std::string url = server.url("check");
  const auto store = open_store(url, {.require_safe = true});
  ASSERT_TRUE(store) << store.error().message;
  const auto health = (*store)->check();
  ASSERT_TRUE(health) << health.error().message;
  EXPECT_EQ(health->durability, "fsynced");
  EXPECT_TRUE(health->persistent);
  EXPECT_FALSE(health->evicts);
  EXPECT_GT(health->memory_bytes, 0);
  ASSERT_EQ(server.command({"CONFIG", "SET", "maxmemory-policy", "allkeys-lru"}), "OK");
  const auto refused = open_store(url, {.require_safe = true});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::denied);
  EXPECT_THAT(refused.error().message, HasSubstr("--require-safe-store"));
  EXPECT_TRUE(open_store(url));
}

TEST(RedisCheck, AccountWithoutConfigStillGetsItsFindings) {
  RedisServer server(RedisOptions{.appendfsync = "everysec"});
  ASSERT_EQ(server.command({"ACL", "SETUSER", "ann", "on", ">pass", "~*", "+@all", "-config"}),
            "OK");
  const auto store = open_store("redis+unix://ann:pass@" + server.socket());
  ASSERT_TRUE(store) << store.error().message;
  const auto health = (*store)->check();
  ASSERT_TRUE(health) << health.error().message;
  EXPECT_THAT(findings(*health), HasSubstr("CONFIG GET"));
  EXPECT_TRUE(health->persistent);
}

}  // namespace
}  // namespace penstock::redis
