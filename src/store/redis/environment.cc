// SPDX-License-Identifier: MIT
#include "store/redis/environment.h"

#include "store/redis/address.h"
#include "store/redis/connection.h"

#include <algorithm>
#include <array>
#include <cstdlib>

namespace penstock::redis {
namespace {

// redis://:PASSWORD@HOST:PORT/DB of separate variables. `host` may carry a port of its own.
std::string compose(std::string host, const Variables& variables) {
  const auto or_else = [&](const char* name, const char* fallback) {
    const std::string set = variables(name);
    return set.empty() ? std::string(fallback) : set;
  };
  const bool bare_ipv6 = std::ranges::count(host, ':') > 1 && !host.starts_with('[');
  if (bare_ipv6) host = "[" + host + "]";
  const bool has_port = host.find(':', host.starts_with('[') ? host.find(']') : 0) != host.npos;
  if (!has_port) host += ":" + or_else("REDIS_PORT", "6379");
  const std::string password = variables("REDIS_PASSWORD");
  return "redis://" + (password.empty() ? "" : ":" + percent_encoded(password) + "@") + host + "/" +
         or_else("REDIS_DB", "0");
}

}  // namespace

std::string process_variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

std::optional<Alias> aliased_url(const Variables& variables) {
  if (const std::string url = variables("REDIS_URL"); !url.empty()) {
    return Alias{url, "REDIS_URL"};
  }
  for (const char* name : {"REDIS_HOST", "ELASTICACHE_ENDPOINT"}) {
    const std::string host = variables(name);
    if (!host.empty()) return Alias{compose(host, variables), name};
  }
  return std::nullopt;
}

bool is_alias(std::string_view name) {
  constexpr std::array aliases = {"REDIS_URL", "REDIS_HOST",     "REDIS_PORT",
                                  "REDIS_DB",  "REDIS_PASSWORD", "ELASTICACHE_ENDPOINT"};
  return std::ranges::find(aliases, name) != aliases.end();
}

std::string with_key_prefix(std::string url, const Variables& variables) {
  const std::string prefix = variables("REDIS_KEY_PREFIX");
  if (prefix.empty() || !is_redis_url(url)) return url;
  const auto query = url.find('?');
  if (query == std::string::npos) return url + "?prefix=" + prefix;
  if (url.find("?prefix=", query) != std::string::npos ||
      url.find("&prefix=", query) != std::string::npos) {
    return url;
  }
  return url + "&prefix=" + prefix;
}

Result<void> answers(std::string_view url, Duration patience) {
  const auto address = parse_address(url);
  if (!address) return address.error();
  const auto opened = Connection::open(*address, {.connect = patience, .call = patience});
  if (!opened && opened.error().code == Errc::unavailable) return opened.error();
  return {};
}

}  // namespace penstock::redis
