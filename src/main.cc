// SPDX-License-Identifier: MIT
//
// The stock binary: the engine's command line with the built-in tasks.
#include "cli/builtin_tasks.h"

#include <penstock/app.h>

int main(int argc, char** argv) {
  penstock::Tasks tasks;
  penstock::cli::add_builtin_tasks(tasks);
  return penstock::main(argc, argv, std::move(tasks));
}
