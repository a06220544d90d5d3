// SPDX-License-Identifier: MIT
//
// The built-in commands, one file each. A command is a table (penstock::Command): parse.cc turns it
// into options, golden tests hold its --help, and its `run` only parses, calls and renders.
#pragma once

#include <penstock/app.h>

#include <vector>

namespace penstock::cli {

Command worker_command(const App& app);
Command submit_command();
std::vector<Command> job_commands();
std::vector<Command> queue_commands();
std::vector<Command> flow_commands();
Command workers_command();
Command doctor_command();
Command prune_command();
/// A table for a person, or an object a line.
void print_workers(const Arguments& arguments, const std::vector<WorkerRecord>& workers);
std::vector<Command> pool_commands();
Command config_command();
Command demo_command();

}  // namespace penstock::cli
