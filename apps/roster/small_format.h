// SPDX-License-Identifier: MIT
//
// Reads the small JSON format: demands with a work pattern, and employees with a rotation offset.
//
// Each (requirement, shift of its demand) becomes one Shift, and each covered day an exact Cover of
// `headcount` people with a cost of 1 for each empty slot; nothing else costs anything. On a day an
// employee may only work the shift that stands in the requirement's pattern at position
// (days since the anchor + rotationOffset) modulo its length. The anchor is coverageAnchor, else
// shiftStartDate, else the first day. A list in a whitelist that is not empty admits only who is in
// it. Hard rules that are not enforced are listed in Instance::notes, never passed over silently.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <penstock/result.h>
#include "apps/roster/instance.h"

namespace penstock::roster {

/// The instance, or Errc::invalid / Errc::too_large with the path of the field and what to do.
Result<Instance> parse_small(const nlohmann::json& document);

}  // namespace penstock::roster
