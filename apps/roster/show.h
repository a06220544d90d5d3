// SPDX-License-Identifier: MIT
//
// penstock-roster demo: the engine's show with a roster in it.
#pragma once

#include <penstock/app.h>

namespace penstock::roster {

Command demo_command();

}  // namespace penstock::roster
