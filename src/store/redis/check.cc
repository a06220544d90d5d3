// SPDX-License-Identifier: MIT
#include "store/redis/check.h"

#include "rules/duration.h"
#include "rules/name.h"
#include "store/redis/errors.h"
#include "store/redis/server_report.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <string>
#include <utility>

namespace penstock::redis {
namespace {

constexpr std::int64_t mebibyte = 1 << 20;
constexpr std::int64_t roomy_rewrite_bytes = 1024 * mebibyte;
constexpr std::int64_t slow_fork_us = 250'000;
constexpr std::int64_t fresh_report = 1 << 20;  // Nothing is said of a server without any load.
constexpr Duration far_off{2000};
constexpr Duration slow_answer{50};

std::int64_t number(std::string_view text) {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::string in_mib(std::int64_t bytes) { return std::to_string(bytes / mebibyte) + " MiB"; }

// Reads one INFO report into findings, a kind of trouble each.
class Judge {
 public:
  Judge(std::string_view report, const Configured& configured)
      : report_(report), configured_(configured) {}

  Health judge() {
    health_.version = "Redis " + std::string(field("redis_version"));
    health_.memory_bytes = integer("used_memory");
    health_.disk_bytes = integer("aof_current_size");
    look_at_eviction();
    look_at_persistence();
    look_at_disk();
    look_at_memory();
    look_at_rewrites();
    look_at_replication();
    if (!configured_.told) {
      note(
          "this account may not use CONFIG GET, so that save, appendfsync and the size of "
          "rewrites could not be looked at",
          "look at the settings of the service, or allow it: ACL SETUSER NAME +config|get");
    }
    return std::move(health_);
  }

 private:
  [[nodiscard]] std::string_view field(std::string_view name) const {
    return field_of(report_, name);
  }
  [[nodiscard]] std::int64_t integer(std::string_view name) const { return number(field(name)); }
  void problem(std::string what, std::string hint) {
    health_.findings.push_back({true, std::move(what), std::move(hint)});
  }
  void note(std::string what, std::string hint) {
    health_.findings.push_back({false, std::move(what), std::move(hint)});
  }

  // WAITAOF came with version 7.2.
  [[nodiscard]] bool can_wait_for_disk() const {
    const std::string_view version = field("redis_version");
    const auto dot = std::min(version.find('.'), version.size());
    const auto minor = dot < version.size() ? number(version.substr(dot + 1)) : 0;
    return std::pair(number(version), minor) >= std::pair<std::int64_t, std::int64_t>(7, 2);
  }

  void look_at_eviction() {
    const std::string policy(field("maxmemory_policy"));
    health_.evicts = !policy.empty() && policy != "noeviction";
    if (health_.evicts) {
      const bool limited = integer("maxmemory") > 0;
      problem("maxmemory-policy is " + rules::printable(policy) +
                  (limited ? ": when memory is full, Redis deletes queues and jobs without a word"
                           : ": once a maxmemory is set, Redis deletes queues and jobs without a "
                             "word"),
              "CONFIG SET maxmemory-policy noeviction (" + rules::printable(policy) +
                  " is advice for caches), and put caches into another Redis");
    }
    if (const auto evicted = integer("evicted_keys"); evicted > 0 && health_.evicts) {
      problem(std::to_string(evicted) + " keys were evicted since the server started",
              "jobs may be among them: submit again what is missing");
    }
  }

  void look_at_persistence() {
    const bool aof = field("aof_enabled") == "1";
    const bool snapshots = configured_.told && !configured_.save.empty();
    health_.persistent = aof || snapshots;
    const bool synced = configured_.appendfsync == "always" || can_wait_for_disk();
    health_.durability = aof && synced ? "fsynced" : "received";
    if (!aof && !configured_.told) {
      problem("it has no append-only file, and whether it writes snapshots could not be looked at",
              "make sure that the service persists, or that losing every job is acceptable");
    } else if (!health_.persistent) {
      problem("nothing is written to disk: a restart of the server forgets every job",
              "CONFIG SET appendonly yes, and in redis.conf");
    } else if (!aof) {
      problem("only snapshots are written (save " + rules::printable(configured_.save) +
                  "): a crash of the server forgets what came after the last one",
              "CONFIG SET appendonly yes, and in redis.conf");
    } else if (configured_.appendfsync == "no") {
      note("appendfsync is no: a power cut forgets up to half a minute",
           "CONFIG SET appendfsync everysec, or always");
    }
  }

  void look_at_disk() {
    const std::string disk = "free the disk and look at the server's log";
    if (field("aof_last_write_status") == "err") {
      problem("the last write to the append-only file failed: it takes no jobs", disk);
    }
    if (field("rdb_last_bgsave_status") == "err") {
      problem("the last snapshot failed", disk + ", then BGSAVE");
    }
    if (field("aof_last_bgrewrite_status") == "err") {
      problem("the last rewrite of the append-only file failed", disk + ", then BGREWRITEAOF");
    }
    if (const auto delayed = integer("aof_delayed_fsync"); delayed > 0) {
      note("the disk was too slow for the append-only file " + std::to_string(delayed) +
               " times, and everybody waited",
           "a faster disk, or less that writes to this one");
    }
  }

  void look_at_memory() {
    const auto used = integer("used_memory"), most = integer("maxmemory");
    if (most <= 0 || used < most / 10 * 9) return;
    problem("memory is at " + in_mib(used) + " of " + in_mib(most) +
                ": when it is full no new job is taken",
            "raise maxmemory, keep results for a shorter time, or prune");
  }

  // Each rewrite forks, and the fork copies the page table while everybody waits.
  void look_at_rewrites() {
    const auto least = number(configured_.aof_rewrite_min_size);
    const bool aof = field("aof_enabled") == "1";
    const bool busy = integer("aof_current_size") + integer("total_net_input_bytes") > fresh_report;
    if (aof && busy && configured_.told && least < roomy_rewrite_bytes) {
      note("auto-aof-rewrite-min-size is " + in_mib(least) +
               ": a busy queue writes that in a few seconds, and Redis rewrites all the time",
           "CONFIG SET auto-aof-rewrite-min-size 1gb");
    }
    if (const auto fork = integer("latest_fork_usec"); fork > slow_fork_us) {
      note(
          "the last fork took " + std::to_string(fork / 1000) + " ms, in which nobody was answered",
          "smaller memory, a machine without transparent huge pages, or rewrites on a replica");
    }
  }

  void look_at_replication() {
    if (field("role") == "slave") {
      problem("this is a replica, which takes no writes", "name the primary in the store URL");
    }
    const auto replicas = integer("connected_slaves");
    if (replicas > 0) health_.durability += ", replicated:" + std::to_string(replicas);
  }

  std::string_view report_;
  const Configured& configured_;
  Health health_ = {};
};

// CONFIG GET NAME answers [name, value]; an error when the account may not, or the service has no
// such command.
std::string_view value_of(const Reply& reply, bool& told) {
  if (reply.is_error()) told = false;
  return reply.size() == 2 ? reply[1].text() : std::string_view();
}

void look_at_times(Health& health) {
  if (health.latency >= slow_answer) {
    health.findings.push_back(
        {.what = "it took " + rules::format_duration(health.latency) + " to answer",
         .hint = "look at its load (SLOWLOG GET), and at the network between"});
  }
  if (std::abs(health.clock_offset.count()) >= far_off.count()) {
    const bool ahead = health.clock_offset.count() > 0;
    health.findings.push_back(
        {.what = "its clock is " + rules::format_duration(std::chrono::abs(health.clock_offset)) +
                 (ahead ? " ahead of" : " behind") + " this machine's",
         .hint = "jobs go by the server's clock; set the wrong one right"});
  }
}

}  // namespace

Health judge(std::string_view report, const Configured& configured) {
  return Judge(report, configured).judge();
}

Result<Health> check_server(Connection& connection, const Address& address, ServerClock& clock) {
  const SteadyTime sent = connection.clock().steady();
  connection.command({"TIME"});
  auto time = connection.exchange();
  if (!time) return std::move(time).error();
  const SteadyTime received = connection.clock().steady();
  clock.sample(time->front(), sent, received);
  connection.command({"INFO"});
  for (const char* name : {"appendfsync", "save", "auto-aof-rewrite-min-size"}) {
    connection.command({"CONFIG", "GET", name});
  }
  const auto replies = connection.exchange();
  if (!replies) return replies.error();
  if (replies->front().is_error()) return to_error(replies->front(), where(address));
  Configured configured{.told = true};
  configured.appendfsync = value_of((*replies)[1], configured.told);
  configured.save = value_of((*replies)[2], configured.told);
  configured.aof_rewrite_min_size = value_of((*replies)[3], configured.told);
  Health health = judge(replies->front().text(), configured);
  health.store = printable(address);
  health.latency = std::chrono::ceil<Duration>(received - sent);
  health.clock_offset = clock.offset();
  look_at_times(health);
  return health;
}

Result<void> check_safe(const Health& health) {
  const auto refused = [&](const std::string& why) {
    return Error{Errc::denied, health.store + " " + why +
                                   ": mend it (penstock doctor says how), or drop "
                                   "--require-safe-store"};
  };
  if (health.evicts) return refused("may delete jobs when its memory is full");
  if (!health.persistent) return refused("would forget every job with a restart");
  return {};
}

}  // namespace penstock::redis
