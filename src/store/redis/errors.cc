// SPDX-License-Identifier: MIT
#include "store/redis/errors.h"

#include "rules/name.h"

#include <algorithm>
#include <array>
#include <string>

namespace penstock::redis {
namespace {

struct Row {
  std::string_view word;
  Errc code;
  std::string_view what;  // After "redis at ... ".
};

// Redis answers each of these instead of running the command, so that nothing was written.
constexpr std::array table = {
    Row{"LOADING", Errc::unavailable,
        "is reading its files after a start; nothing was written, try again shortly"},
    Row{"BUSY", Errc::unavailable,
        "is busy with somebody's slow script; nothing was written, try again shortly, or end the "
        "script with SCRIPT KILL"},
    Row{"READONLY", Errc::unavailable,
        "is a replica, which takes no writes; nothing was written, try again when the failover is "
        "over, or name the primary in the store URL"},
    Row{"MASTERDOWN", Errc::unavailable,
        "is a replica that has lost its primary; nothing was written, try again when the failover "
        "is over"},
    Row{"MOVED", Errc::unavailable,
        "is a node of a cluster that keeps these keys elsewhere; nothing was written: a cluster is "
        "not supported yet, name a single server"},
    Row{"ASK", Errc::unavailable,
        "is a node of a cluster that is moving these keys; nothing was written, try again shortly"},
    Row{"TRYAGAIN", Errc::unavailable,
        "is a node of a cluster that is moving these keys; nothing was written, try again shortly"},
    Row{"CLUSTERDOWN", Errc::unavailable,
        "is a node of a cluster that is down; nothing was written, try again when CLUSTER INFO "
        "says ok"},
    Row{"NOREPLICAS", Errc::unavailable,
        "has fewer good replicas than min-replicas-to-write asks for; nothing was written, try "
        "again when they are back"},
    Row{"MISCONF", Errc::unavailable,
        "could not write to its disk and takes no writes; nothing was written: free the disk (df, "
        "the server's log), then try again"},
    Row{"NOSCRIPT", Errc::unavailable,
        "forgot a script right after it was loaded; nothing was written, try again: is somebody "
        "flushing its scripts?"},
    Row{"OOM", Errc::limited,
        "is at its maxmemory and takes no new jobs; what is there goes on: wait until jobs have "
        "ended, prune, or raise maxmemory"},
    Row{"NOAUTH", Errc::denied,
        "asks for a password: put it into the store URL, redis://USER:PASSWORD@HOST, or into "
        "REDIS_PASSWORD"},
    Row{"WRONGPASS", Errc::denied,
        "does not accept this user and password: check the store URL or REDIS_PASSWORD"},
    Row{"NOPERM", Errc::denied,
        "does not allow this user to do that: give the user the keys and commands of the store "
        "(ACL "
        "SETUSER)"},
    Row{"WRONGTYPE", Errc::internal,
        "holds another kind of value under one of our keys: somebody else writes under this "
        "prefix; choose another with ?prefix="},
};

// "MISCONF Redis is ..." -> "MISCONF". What a script's redis.call meets comes as such a word, too,
// or, before Redis 7, wrapped: "ERR Error running script (call to f_...): @user_script:9: OOM ...".
const Row* find_row(std::string_view text) {
  const auto row_of = [](std::string_view word) {
    const auto* row =
        std::find_if(table.begin(), table.end(), [&](const Row& one) { return one.word == word; });
    return row == table.end() ? nullptr : row;
  };
  if (const Row* row = row_of(text.substr(0, text.find(' ')))) return row;
  if (!text.starts_with("ERR Error running script")) return nullptr;
  if (const auto mark = text.rfind("@user_script"); mark != std::string_view::npos) {
    std::string_view rest = text.substr(mark);
    rest.remove_prefix(std::min(rest.size(), rest.find(": ") + 2));
    if (const Row* row = row_of(rest.substr(0, rest.find(' ')))) return row;
  }
  return text.find("maxmemory") == std::string_view::npos ? nullptr : row_of("OOM");
}

}  // namespace

Error to_error(const Reply& reply, std::string_view where) {
  CHECK(reply.is_error());
  const std::string said = " (it said: " + rules::printable(reply.text(), 300) + ")";
  const Row* row = find_row(reply.text());
  // Redis 6 tells a wrong password that AUTH was given without a password being set, and so on.
  if (!row && reply.text().starts_with("ERR AUTH")) {
    return Error{
        Errc::denied,
        std::string(where) + " has no password set, and the store URL has one: take it out" + said};
  }
  if (!row && reply.text().starts_with("ERR max number of clients")) {
    return Error{Errc::unavailable,
                 std::string(where) +
                     " has as many connections as its maxclients allows; nothing "
                     "was written: raise it, or start fewer processes" +
                     said};
  }
  if (row) return Error{row->code, std::string(where) + " " + std::string(row->what) + said};
  return Error{
      Errc::internal,
      std::string(where) + " refused a command that it should know; please report this" + said};
}

bool is_unknown_script(const Reply& reply) {
  return reply.is_error() && reply.text().starts_with("NOSCRIPT");
}

}  // namespace penstock::redis
