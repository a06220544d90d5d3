// SPDX-License-Identifier: MIT
#include "rules/errc.h"

#include <array>

namespace penstock::rules {
namespace {

// In the order of the enum: `describe` indexes it.
constexpr std::array table = {
    ErrcRow{Errc::invalid, "invalid", 400, 2, false},
    ErrcRow{Errc::too_large, "too_large", 413, 2, false},
    ErrcRow{Errc::denied, "denied", 403, 6, false},
    ErrcRow{Errc::not_found, "not_found", 404, 3, false},
    ErrcRow{Errc::not_ready, "not_ready", 425, 6, true},
    ErrcRow{Errc::gone, "gone", 410, 3, false},
    ErrcRow{Errc::conflict, "conflict", 409, 6, false},
    ErrcRow{Errc::limited, "limited", 429, 6, true},
    ErrcRow{Errc::lease_lost, "lease_lost", 409, 6, false},
    ErrcRow{Errc::job_failed, "job_failed", 410, 1, false},
    ErrcRow{Errc::timed_out, "timed_out", 504, 5, true},
    ErrcRow{Errc::unavailable, "unavailable", 503, 4, true},
    ErrcRow{Errc::internal, "internal", 500, 1, false},
};

}  // namespace

std::span<const ErrcRow> errc_table() { return table; }
const ErrcRow& describe(Errc code) { return table[static_cast<std::size_t>(code)]; }

}  // namespace penstock::rules
