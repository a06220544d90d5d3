// SPDX-License-Identifier: MIT
//
// Tasks for trying things out: noop, echo, sleep {"ms"}, fail {"times", "message"} and crash
// {"times", "signal"}.
#pragma once

#include <penstock/worker.h>

namespace penstock::cli {

void add_builtin_tasks(Tasks& tasks);

}  // namespace penstock::cli
