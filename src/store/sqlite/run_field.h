// SPDX-License-Identifier: MIT
#pragma once

#include "store/sqlite/sqlite_store.h"

#include <optional>
#include <string>
#include <string_view>

namespace penstock::sqlite {

/// A field of a run of a flow, as it lies there.
std::optional<std::string> read_run_field(Connection& db, std::string_view run,
                                          std::string_view field);

}  // namespace penstock::sqlite
