// SPDX-License-Identifier: MIT
//
// A run as JSON text, for whoever reads it from outside: the fields of a Run and its nodes, null
// where there is nothing.
#pragma once

#include <penstock/run.h>

#include <string>

namespace penstock::rules {

/// `{run, flow, version, state, input, output, error, parent, steps, created_at, finished_at,
/// nodes: [{node, visit, state, job, attempt, action, worker, started_at, finished_at, waits_for,
/// error}]}`
std::string to_json(const Run& run);

}  // namespace penstock::rules
