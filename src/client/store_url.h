// SPDX-License-Identifier: MIT
//
// Which store a program means when it names none: PENSTOCK_STORE, else a variable in which other
// programs name theirs (store/open.h), else the configuration file, else the default file.
#pragma once

#include "store/open.h"

#include <string_view>

namespace penstock {

/// `given` wins when it is not empty; `origin` is what to call it. Looks for a server when the URL
/// is "auto", so ask once and keep the answer. The origin is "--store", "PENSTOCK_STORE", another
/// variable, "penstock.toml" or "default", with what "auto" found behind it.
StoreUrl resolve_store_url(std::string_view given, std::string_view origin = "--store",
                           std::string_view from_file = {});

}  // namespace penstock
