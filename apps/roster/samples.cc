// SPDX-License-Identifier: MIT
#include "apps/roster/samples.h"

#include "apps/roster/samples.gen.h"

namespace penstock::roster {

std::string_view sample_ward() { return samples::instance1; }
std::string_view sample_weekdays() { return samples::weekdays; }

}  // namespace penstock::roster
