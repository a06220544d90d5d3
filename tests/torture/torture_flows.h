// SPDX-License-Identifier: MIT
//
// The flows of the torture, and what has to be true of their runs at the end.
#pragma once

#include <penstock/app.h>

namespace penstock::torture {

void add_flows(Tasks& tasks);

/// flow-start ID: starts the run of that id. It begins with the name of its flow and ends with a
/// number, which picks the node that kills its process the first time, if any.
int start_run(const Arguments& arguments);

/// flow-check, ids of runs on standard input: a line for each thing that is wrong with them, with
/// runs inside, or with a run that nobody started; then one that begins with = and says how many.
int check_runs(const Arguments& arguments);

}  // namespace penstock::torture
