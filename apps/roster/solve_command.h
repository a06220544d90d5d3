// SPDX-License-Identifier: MIT
//
// penstock-roster solve FILE: solves in this process, without a store.
#pragma once

#include <penstock/app.h>

namespace penstock::roster {

Command solve_command();

}  // namespace penstock::roster
