// SPDX-License-Identifier: MIT
//
// A program of one's own that is worker and command line of its tasks:
//
//   hello worker &
//   hello submit hello '"world"' --wait
//
// It has a command and a setting beside the built-in ones.
#include <penstock/json.h>
#include <penstock/penstock.h>

#include <iostream>

int main(int argc, char** argv) {
  penstock::Tasks tasks;
  tasks.add("hello", [](const std::string& name) { return "hello " + name; });

  penstock::App app("hello", "1.0");
  app.tasks(std::move(tasks));
  app.command(
      {.name = "greet", .summary = "Greet without a queue", .run = [](const penstock::Arguments&) {
         std::cout << "hello\n";
         return 0;
       }});
  return penstock::main(argc, argv, app);
}
