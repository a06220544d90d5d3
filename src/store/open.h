// SPDX-License-Identifier: MIT
//
// From a URL to a Store. The only place that knows which stores there are.
#pragma once

#include "store/store.h"

#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace penstock {

struct StoreOptions {
  Clock* clock = nullptr;  ///< Null: the real one.
  bool require_safe = false;
  bool shared = false;  ///< Several processes will use it: refuse one that they cannot share.
};

/// Opens "sqlite:PATH" or "sqlite::memory:[?prefix=NAME]". An in-memory store is shared by all that
/// open the same URL in this process, and lives as long as one of them.
/// Errors: invalid (URL), unavailable, conflict (layout version), denied (unsafe store).
Result<std::unique_ptr<Store>> open_store(std::string_view url, const StoreOptions& options = {});

struct StoreUrl {
  std::string url = {};
  std::string origin = {};  ///< Who named it, for people.
};

/// What REDIS_URL, REDIS_HOST or ELASTICACHE_ENDPOINT name (redis/environment.h).
std::optional<StoreUrl> aliased_store_url();
/// Whether a variable of that name can say where a store is, or how to get in.
bool names_store(std::string_view variable);
/// Makes a URL complete: "auto" becomes that of the aliases, or of the usual place, when a server
/// answers there within 0.3 s, else that of the default file; REDIS_KEY_PREFIX is added.
StoreUrl settle_store_url(std::string_view url, std::string_view origin);
/// "sqlite:$XDG_STATE_HOME/penstock/penstock.db", with the full path.
std::string default_store_url();

}  // namespace penstock
