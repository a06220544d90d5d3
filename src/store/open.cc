// SPDX-License-Identifier: MIT
#include "store/open.h"

#include "rules/name.h"
#include "store/redis/check.h"
#include "store/redis/environment.h"
#include "store/redis/redis_store.h"
#include "store/sqlite/sqlite_store.h"

#include <cstdlib>
#include <filesystem>
#include <map>
#include <mutex>

namespace penstock {
namespace {

constexpr std::string_view sqlite_scheme = "sqlite:";

Error bad_url(std::string_view url, std::string_view why) {
  return Error{Errc::invalid, "store URL \"" + rules::printable(url, 120) + "\" " +
                                  std::string(why) +
                                  ": write sqlite:PATH, sqlite::memory: or redis://HOST:PORT/DB"};
}

// Memory databases by URL: whoever opens the same URL in this process gets the same database.
class Memories {
 public:
  Result<std::shared_ptr<sqlite::Database>> open(const std::string& url, Clock& clock) {
    const std::lock_guard lock(mutex_);
    if (auto known = by_url_[url].lock()) return known;
    auto opened = sqlite::open_database(":memory:", url, clock);
    if (opened) by_url_[url] = *opened;
    return opened;
  }

 private:
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<sqlite::Database>> by_url_;
};

Result<void> check_query(std::string_view url, std::string_view query, bool in_memory) {
  if (query.empty()) return {};
  if (!in_memory) return bad_url(url, "has options, which a database file does not know");
  if (!query.starts_with("prefix=")) return bad_url(url, "has an option other than prefix");
  return rules::check_name("prefix", query.substr(7));
}

Result<std::unique_ptr<Store>> open_redis(std::string_view url, const StoreOptions& options) {
  auto address = redis::parse_address(url);
  if (!address) return std::move(address).error();
  auto timeouts = redis::environment_timeouts();
  if (!timeouts) return std::move(timeouts).error();
  auto space = std::make_shared<redis::Namespace>(*address);
  space->timeouts = *timeouts;
  space->name = redis::printable(*address);
  space->given = options.clock;
  auto store = redis::RedisStore::open(std::move(space));
  if (!store || !options.require_safe) return store;
  auto health = (*store)->check();
  if (!health) return std::move(health).error();
  if (auto ok = redis::check_safe(*health); !ok) return std::move(ok).error();
  return store;
}

}  // namespace

Result<std::unique_ptr<Store>> open_store(std::string_view url, const StoreOptions& options) {
  if (redis::is_redis_url(url)) return open_redis(url, options);
  if (!url.starts_with(sqlite_scheme)) return bad_url(url, "is not understood");
  const std::string_view rest = url.substr(sqlite_scheme.size());
  const auto question = rest.find('?');
  const std::string path(rest.substr(0, question));
  const std::string_view query =
      question == std::string_view::npos ? std::string_view() : rest.substr(question + 1);
  const bool in_memory = path == ":memory:";
  if (path.empty()) return bad_url(url, "names no file");
  if (path.starts_with(':') && !in_memory) return bad_url(url, "is not understood");
  if (auto ok = check_query(url, query, in_memory); !ok) return std::move(ok).error();
  if (in_memory && options.require_safe) {
    return Error{Errc::denied,
                 "the store is in memory and would forget every job with this process: "
                 "use sqlite:PATH, or drop --require-safe-store"};
  }
  if (in_memory && options.shared) {
    return Error{Errc::invalid, "several processes cannot share " + std::string(url) +
                                    ": use a file, such as --store sqlite:jobs.db"};
  }
  Clock& clock = options.clock ? *options.clock : real_clock();
  static Memories memories;
  std::error_code failed;
  const std::string full_path =
      in_memory ? path : std::filesystem::absolute(path, failed).lexically_normal().string();
  auto database = in_memory ? memories.open(std::string(url), clock)
                            : sqlite::open_database(full_path, "sqlite:" + full_path, clock);
  if (!database) return std::move(database).error();
  return sqlite::SqliteStore::open(*std::move(database));
}

std::optional<StoreUrl> aliased_store_url() {
  auto alias = redis::aliased_url(redis::process_variable);
  if (!alias) return std::nullopt;
  return settle_store_url(alias->url, alias->variable);
}

bool names_store(std::string_view variable) {
  return variable == "PENSTOCK_STORE" || redis::is_alias(variable);
}

StoreUrl settle_store_url(std::string_view url, std::string_view origin) {
  if (url != "auto") {
    return {redis::with_key_prefix(std::string(url), redis::process_variable), std::string(origin)};
  }
  const auto alias = redis::aliased_url(redis::process_variable);
  const std::string server =
      redis::with_key_prefix(alias ? alias->url : "redis:", redis::process_variable);
  const std::string at = alias ? "the server of " + alias->variable : "a Redis at 127.0.0.1:6379";
  const auto there = redis::answers(server, redis::auto_patience);
  const std::string found = std::string(origin) + " auto: " + at;
  if (there) return {server, found + " answers"};
  // A URL that cannot be used at all is to be told, not to be passed over.
  if (there.error().code == Errc::invalid) return {server, found};
  return {default_store_url(), found + " does not answer"};
}

std::string default_store_url() {
  const char* state = std::getenv("XDG_STATE_HOME");
  const char* home = std::getenv("HOME");
  const std::filesystem::path folder =
      state && *state ? std::filesystem::path(state)
                      : std::filesystem::path(home && *home ? home : "/tmp") / ".local" / "state";
  return "sqlite:" + (folder / "penstock" / "penstock.db").string();
}

}  // namespace penstock
