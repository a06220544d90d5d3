// SPDX-License-Identifier: MIT
//
// The flags by which a command says what a job should be, and by which it says which jobs it means.
#pragma once

#include <penstock/app.h>

namespace penstock::cli {

/// --queue, --priority, --delay, ... of submit.
std::vector<Flag> submit_flags();
/// Errors: invalid, naming the flag.
Result<SubmitOptions> read_submit_flags(const Arguments& arguments);

/// --state, --queue, --task, --tag, --limit of list and of the bulk verbs.
std::vector<Flag> filter_flags();
Result<Filter> read_filter_flags(const Arguments& arguments);
/// True when one of the conditions was given.
bool has_filter(const Arguments& arguments);

}  // namespace penstock::cli
