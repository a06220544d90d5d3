// SPDX-License-Identifier: MIT
//
// Which store a program means when it names none: PENSTOCK_STORE, else the default file.
#pragma once

#include <string>
#include <string_view>

namespace penstock {

struct StoreUrl {
  std::string url = {};
  std::string origin = {};  ///< "--store", "PENSTOCK_STORE", "penstock.toml" or "default".
};

/// `given` wins when it is not empty; `origin` is what to call it.
StoreUrl resolve_store_url(std::string_view given, std::string_view origin = "--store",
                           std::string_view from_file = {});

}  // namespace penstock
