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
  // By flag, PENSTOCK_WHOM, GREETING_NAME, [hello] whom in penstock.toml, or the fallback.
  app.setting({.flag = "--whom", .key = "hello.whom", .fallback = "you", .help = "whom to greet"});
  app.alias("--whom", {.name = "GREETING_NAME"});
  app.command({.name = "greet",
               .summary = "Greet without a queue",
               .flags = {{"--whom", "NAME", "whom to greet (you)"}},
               .run = [](const penstock::Arguments& arguments) {
                 std::cout << "hello " << arguments.text("--whom") << '\n';
                 return 0;
               }});
  return penstock::main(argc, argv, app);
}
