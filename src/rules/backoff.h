// SPDX-License-Identifier: MIT
//
// How long a failed job waits before its next attempt, and how a back-off is written:
// "none", "fixed:5s", "linear:1s..60s", "exponential:1s..60s", each with an optional "~20%" of
// jitter.
#pragma once

#include <penstock/job.h>

#include <string>
#include <string_view>

namespace penstock::rules {

/// The wait before attempt `failures` + 1. `dice` in [0, 1) places the jitter.
Duration delay(const Backoff& backoff, int failures, double dice);

Result<Backoff> parse_backoff(std::string_view text);
std::string format_backoff(const Backoff& backoff);

}  // namespace penstock::rules
