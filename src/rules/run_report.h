// SPDX-License-Identifier: MIT
//
// A run as JSON text, for whoever reads it from outside: the fields of a Run and its nodes, null
// where there is nothing.
#pragma once

#include <penstock/run.h>

#include <string>

namespace penstock::rules {

/// `{run, flow, version, state, input, output, error, parent, forked_from, steps, created_at,
/// started_at, finished_at, nodes: [{node, visit, state, job, attempt, action, worker, started_at,
/// finished_at, waits_for, prompt, choices, until, run, error, items, items_done, items_failed}],
/// history: [{at_ms, text}]}`; of a node choices, until and run (the one inside) only where there
/// are some, the last three only of maps.
std::string to_json(const Run& run);
/// Without nodes and history, which a list does not read.
std::string to_brief_json(const Run& run);

}  // namespace penstock::rules
