// SPDX-License-Identifier: MIT
//
// A program of one's own with the whole command line: `example_greet worker` runs the task,
// `example_greet submit greet '{"name":"you","times":2}' --wait` gets its result.
#include <penstock/json.h>
#include <penstock/penstock.h>

#include <string>

namespace {

struct Guest {
  std::string name;
  int times = 1;
};
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE_WITH_DEFAULT(Guest, name, times)

std::string greet(const Guest& guest, penstock::JobContext& context) {
  std::string text;
  for (int i = 0; i < guest.times; ++i) {
    context.progress(static_cast<double>(i) / guest.times, "greeting");
    text += (text.empty() ? "hello " : ", hello ") + guest.name;
  }
  context.log("greeted " + guest.name);
  return text;
}

}  // namespace

int main(int argc, char** argv) {
  penstock::Tasks tasks;
  tasks.add("greet", greet);
  return penstock::main(argc, argv, std::move(tasks));
}
