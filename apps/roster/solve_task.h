// SPDX-License-Identifier: MIT
//
// The task roster.solve. Payload: an instance in the small JSON format, {"text": BENCHMARK FORMAT,
// "time_limit_seconds": 30}, or the benchmark format as a JSON string. Result: the answer of
// answer.h. Each better roster and each better bound is progress and a log line.
#pragma once

#include <penstock/worker.h>

namespace penstock::roster {

inline constexpr const char* solve_task = "roster.solve";

void add_solve_task(Tasks& tasks);

}  // namespace penstock::roster
