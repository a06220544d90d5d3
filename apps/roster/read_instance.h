// SPDX-License-Identifier: MIT
//
// Reads an instance in whichever format it is written.
#pragma once

#include <string_view>

#include <penstock/result.h>
#include "apps/roster/instance.h"

namespace penstock::roster {

/// Text that begins with '{' is JSON: {"text": "..."} carries the benchmark format, anything else
/// is the small format. All other text is the benchmark format. Errors as of both parsers.
Result<Instance> read_instance(std::string_view text);

}  // namespace penstock::roster
