// SPDX-License-Identifier: MIT
//
// The rostering program: solver, worker, command line and show in one.
#include <penstock/app.h>
#include "apps/roster/selftest.h"
#include "apps/roster/show.h"
#include "apps/roster/solve_command.h"
#include "apps/roster/solve_task.h"

int main(int argc, char** argv) {
  penstock::Tasks tasks;
  penstock::roster::add_solve_task(tasks);
  penstock::App app("penstock-roster", "0.1.0");
  app.tasks(std::move(tasks))
      .command(penstock::roster::solve_command())
      .command(penstock::roster::demo_command())
      .command(penstock::roster::selftest_command());
  return penstock::main(argc, argv, app);
}
