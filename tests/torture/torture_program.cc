// SPDX-License-Identifier: MIT
//
// penstock with one more task, some flows and a few more commands. The task "torture" behaves as
// its payload says and writes down every execution; "endings" prints every end that the event
// stream tells of. torture.py runs many of them and breaks everything around them.
#include "tests/torture/torture_flows.h"

#include <penstock/app.h>
#include <penstock/json.h>

#include <csignal>
#include <cstdlib>
#include <iostream>
#include <string>

#include <fcntl.h>
#include <unistd.h>

namespace {

using penstock::Duration;

// One line, in one write, so that lines of many slots do not mix and a kill leaves none torn:
// S|E number id attempt crashes fence pid steady_ns
void record(char what, std::int64_t number, const penstock::JobContext& context) {
  static const int file = [] {
    const char* folder = std::getenv("TORTURE_LOGS");
    const std::string path =
        std::string(folder ? folder : ".") + "/" + std::to_string(::getpid()) + ".log";
    return ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  }();
  const penstock::Job& job = context.job();
  const auto now = penstock::real_clock().steady().time_since_epoch().count();
  const std::string line = std::string(1, what) + ' ' + std::to_string(number) + ' ' + job.id.text +
                           ' ' + std::to_string(job.attempt) + ' ' + std::to_string(job.crashes) +
                           ' ' + std::to_string(static_cast<std::uint64_t>(context.fence())) + ' ' +
                           std::to_string(::getpid()) + ' ' + std::to_string(now) + '\n';
  if (::write(file, line.data(), line.size()) < 0) std::abort();
}

std::string torture(std::string_view payload, penstock::JobContext& context) {
  const auto fields = nlohmann::json::parse(payload);
  const auto number = fields.at("n").get<std::int64_t>();
  const auto kind = fields.at("kind").get<std::string>();
  record('S', number, context);
  if (kind == "crash" && context.job().crashes == 0) ::kill(::getpid(), SIGKILL);
  if (kind == "slow") {
    penstock::Clock& clock = penstock::real_clock();
    const auto end = clock.steady() + Duration{fields.value("ms", 200)};
    if (clock.wait_until(end, context.stop())) throw std::runtime_error("told to stop");
  }
  record('E', number, context);
  if (kind == "fail" && context.job().attempt == 1) throw std::runtime_error("the first one fails");
  return "{\"n\":" + std::to_string(number) + "}";
}

// One line for every event that ends a job: STATE ID.
int print_endings(const penstock::Arguments& arguments) {
  auto client = penstock::Client::open(arguments.store());
  if (!client) return penstock::report(client.error());
  std::string at = "0";
  while (true) {
    auto page = client->events(at, Duration{0}, 1000);
    if (!page) return penstock::report(page.error());
    for (const penstock::Event& event : page->first) {
      const bool ends = event.type == penstock::Event::Type::job && event.to;
      if (!ends || event.task != "torture") continue;
      std::cout << static_cast<int>(*event.to) << ' ' << event.job.text << '\n';
    }
    if (page->second == at) return 0;
    at = page->second;
  }
}

}  // namespace

int main(int argc, char** argv) {
  penstock::Tasks tasks;
  tasks.add_raw("torture", torture);
  penstock::torture::add_flows(tasks);
  penstock::App app("penstock", "torture");
  app.tasks(std::move(tasks));
  app.command({.name = "endings",
               .summary = "Every change of a job's state that the event stream tells of",
               .run = print_endings});
  app.command({.name = "flow-start",
               .summary = "Starts the run of an id",
               .words = "ID",
               .run = penstock::torture::start_run});
  app.command({.name = "flow-check",
               .summary = "What is wrong with the runs that standard input names",
               .run = penstock::torture::check_runs});
  return penstock::main(argc, argv, app);
}
