// SPDX-License-Identifier: MIT
#include "client/store_url.h"

#include "store/open.h"

#include <cstdlib>

namespace penstock {

StoreUrl resolve_store_url(std::string_view given, std::string_view origin,
                           std::string_view from_file) {
  if (!given.empty()) return {std::string(given), std::string(origin)};
  if (const char* set = std::getenv("PENSTOCK_STORE"); set && *set) return {set, "PENSTOCK_STORE"};
  if (!from_file.empty()) return {std::string(from_file), "penstock.toml"};
  return {default_store_url(), "default"};
}

}  // namespace penstock
