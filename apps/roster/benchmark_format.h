// SPDX-License-Identifier: MIT
//
// Reads the shift-scheduling benchmark text format into an Instance.
//
//   SECTION_HORIZON             days                 day 0 is a Monday
//   SECTION_SHIFTS              shift,minutes,forbidden|followers
//   SECTION_STAFF               employee,shift=max|...,MaxTotalMinutes,MinTotalMinutes,
//                               MaxConsecutiveShifts,MinConsecutiveShifts,
//                               MinConsecutiveDaysOff,MaxWeekends
//   SECTION_DAYS_OFF            employee,day,...     may be absent
//   SECTION_SHIFT_ON_REQUESTS   employee,day,shift,weight     may be absent
//   SECTION_SHIFT_OFF_REQUESTS  employee,day,shift,weight     may be absent
//   SECTION_COVER               day,shift,required,under weight,over weight
//
// Sections may come in any order, once each. '#' starts a comment; CRLF and blanks are accepted.
#pragma once

#include <string_view>

#include <penstock/result.h>
#include "apps/roster/instance.h"

namespace penstock::roster {

/// The instance, or Errc::invalid / Errc::too_large with the line, the value and what to do.
Result<Instance> parse_benchmark(std::string_view text);

}  // namespace penstock::roster
