// SPDX-License-Identifier: MIT
//
// penstock::main: the built-in commands and the program's own, one command line.
#include <penstock/app.h>

#include "cli/commands.h"
#include "cli/parse.h"

#include <algorithm>

namespace penstock {

int main(int argc, char** argv, App& app) {
  std::vector<Command> commands;
  commands.push_back(cli::worker_command(app));
  commands.push_back(cli::submit_command());
  for (Command& command : cli::job_commands()) commands.push_back(std::move(command));
  for (Command& command : cli::queue_commands()) commands.push_back(std::move(command));
  commands.push_back(cli::workers_command());
  for (Command& command : cli::flow_commands()) commands.push_back(std::move(command));
  for (Command& command : cli::pool_commands()) commands.push_back(std::move(command));
  commands.push_back(cli::doctor_command());
  commands.push_back(cli::prune_command());
  commands.push_back(cli::config_command());
  commands.push_back(cli::demo_command());
  for (const Command& own : app.commands()) {
    const auto same = std::ranges::find(commands, own.name, &Command::name);
    if (same == commands.end()) {
      commands.push_back(own);
    } else {
      *same = own;
    }
  }
  return cli::parse_and_run(argc, argv, app, commands);
}

int main(int argc, char** argv, Tasks tasks) {
  App app("penstock", PENSTOCK_VERSION);
  app.tasks(std::move(tasks));
  return main(argc, argv, app);
}

}  // namespace penstock
