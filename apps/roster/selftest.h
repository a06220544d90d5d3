// SPDX-License-Identifier: MIT
//
// penstock-roster selftest: store, workers, jobs and persistence, tried out end to end in a store
// of its own, in plain sentences.
#pragma once

#include <penstock/app.h>

namespace penstock::roster {

Command selftest_command();

}  // namespace penstock::roster
