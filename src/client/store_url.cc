// SPDX-License-Identifier: MIT
#include "client/store_url.h"

#include <cstdlib>

namespace penstock {

StoreUrl resolve_store_url(std::string_view given, std::string_view origin,
                           std::string_view from_file) {
  if (!given.empty()) return settle_store_url(given, origin);
  if (const char* set = std::getenv("PENSTOCK_STORE"); set && *set) {
    return settle_store_url(set, "PENSTOCK_STORE");
  }
  if (auto aliased = aliased_store_url()) return *std::move(aliased);
  if (!from_file.empty()) return settle_store_url(from_file, "penstock.toml");
  return {default_store_url(), "default"};
}

}  // namespace penstock
