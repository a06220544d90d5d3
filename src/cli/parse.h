// SPDX-License-Identifier: MIT
//
// From argv to a command: the only file that knows the option parser. Commands are tables.
#pragma once

#include <penstock/app.h>

#include <span>
#include <string>
#include <vector>

namespace penstock::cli {

/// Parses argv against the commands, sets up logging, runs the chosen command; the exit code.
int parse_and_run(int argc, char** argv, const App& app, const std::vector<Command>& commands);

}  // namespace penstock::cli
