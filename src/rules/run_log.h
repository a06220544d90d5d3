// SPDX-License-Identifier: MIT
//
// The log of a run: what each step changed, so that another run can go on where this one was before
// any of them.
#pragma once

#include "rules/run_change.h"

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::rules {

/// One line of the list `log`: JSON. `place`: whose end it was; empty for a start or a retry.
std::string write_log_line(const RunChange& change, std::string_view place);

/// A run as it was.
struct RunImage {
  std::map<std::string, std::string> fields = {};
  std::map<std::string, std::vector<std::string>> lists = {};
};

/// The place of a line. Errors: internal.
Result<std::string> log_place(std::string_view line);
/// Errors: internal.
Result<void> replay(std::string_view line, RunImage& image);

}  // namespace penstock::rules
