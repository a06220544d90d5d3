// SPDX-License-Identifier: MIT
//
// Where the command line's log goes: stderr or a file, as text or JSON lines.
#pragma once

#include <penstock/result.h>

#include <string>

namespace penstock::cli {

/// Errors: invalid (level, format), denied (file).
Result<void> set_up_log(const std::string& level, const std::string& format,
                        const std::string& file);
/// Opens the log file again, after somebody moved it away.
void reopen_log();

}  // namespace penstock::cli
