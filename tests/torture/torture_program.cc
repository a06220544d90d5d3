// SPDX-License-Identifier: MIT
//
// penstock with one more task and one more command. The task "torture" behaves as its payload says
// and writes down every execution; "endings" prints every end that the event stream tells of.
// torture.py runs many of them and breaks everything around them.
#include <penstock/app.h>
#include <penstock/flow.h>
#include <penstock/json.h>

#include <algorithm>
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

auto noting(const std::string& name) {
  return [name](penstock::Shared& shared) {
    shared.append("ends", name);
    shared.add("count", 1);
    penstock::Clock& clock = penstock::real_clock();
    clock.wait_until(clock.steady() + Duration{20}, shared.job().stop());
  };
}

// A fork and a join, a map, and a loop of three turns: 15 ends.
penstock::Flow good_flow() {
  using penstock::Shared, penstock::json;
  penstock::Flow flow("good");
  auto split = flow.task("split", noting("split"));
  auto a = flow.task("a", noting("a")), b = flow.task("b", noting("b"));
  auto join = flow.task("join", noting("join"));
  auto list = flow.task("list", [](Shared& shared) {
    noting("list")(shared);
    return json({1, 2, 3, 4, 5});
  });
  auto each = flow.map("each", "$.nodes.list.result",
                       [](int n, Shared& shared) {
                         noting("item" + std::to_string(n))(shared);
                         return n;
                       },
                       {.parallel = 2});
  struct Turn : penstock::Node {
    std::string post(Shared& shared, const json&, const json&) override {
      shared.add("turns", 1);
      const int turn = shared.get_or("turns", 0);
      noting("turn" + std::to_string(turn))(shared);
      return turn < 3 ? "again" : "default";
    }
  };
  auto turn = flow.node("turn", Turn{}, {.max_attempts = 5});
  auto sum = flow.task("sum", noting("sum"));
  split >> (a | b) >> join >> list >> each >> turn >> sum;
  turn.on("again") >> turn;
  return flow;
}

// What was done is undone, because its last node fails.
penstock::Flow bad_flow() {
  using penstock::Shared;
  const auto undo = [](const std::string& name) {
    return [name](Shared& shared) { shared.append("undone", name); };
  };
  penstock::Flow flow("bad");
  auto a = flow.task("a", noting("a")).undo(undo("a"));
  auto b = flow.task("b", noting("b")).undo(undo("b"));
  auto c = flow.task("c", noting("c")).undo(undo("c"));
  a >> (b | c) >> flow.task("fails", []() -> int { throw penstock::NoRetry("as it has to"); });
  return flow;
}

// flow-start ID: starts the run of that id; ids that begin with "bad" fail.
int start_run(const penstock::Arguments& arguments) {
  auto client = penstock::Client::open(arguments.store());
  if (!client) return penstock::report(client.error());
  if (arguments.words().empty()) return 2;
  const std::string id = arguments.words().front();
  auto run = client->run(id.starts_with("bad") ? bad_flow() : good_flow(), penstock::json::object(),
                         {.id = id});
  if (!run) return penstock::report(run.error());
  std::cout << run->text << '\n';
  return 0;
}

// What is wrong with a run that has ended; empty: nothing.
std::string trouble_with(penstock::Client& client, const penstock::RunId& id) {
  const auto run = client.find_run(id);
  if (!run) return run.error().message;
  if (!run->ended()) return "it is " + run->state;
  const auto shared = client.shared(id);
  if (!shared) return shared.error().message;
  const auto list = [&](const char* key) {
    const auto found = shared->find(key);
    return found == shared->end() ? penstock::json::array() : penstock::json::parse(found->second);
  };
  penstock::json ends = list("ends"), undone = list("undone");
  const bool crashed = run->error.find("times)") != std::string::npos;
  const auto count = shared->find("count");
  if (count != shared->end() && count->second != std::to_string(ends.size())) {
    return "count is " + count->second + " of " + ends.dump();
  }
  for (const auto& one : ends) {
    if (std::count(ends.begin(), ends.end(), one) != 1) return one.dump() + " more than once";
  }
  if (run->flow == "bad") {
    if (crashed && run->state == "failed") return {};
    std::reverse(undone.begin(), undone.end());
    if (run->state != "compensated") return "it is " + run->state + ": " + run->error;
    return undone == ends ? "" : "done " + ends.dump() + ", undone " + undone.dump();
  }
  if (crashed) return {};
  if (run->state != "succeeded") return "it is " + run->state + ": " + run->error;
  return ends.size() == 14 ? "" : "its ends are " + ends.dump();
}

// flow-check, ids on standard input: a line for each that is wrong.
int check_runs(const penstock::Arguments& arguments) {
  auto client = penstock::Client::open(arguments.store());
  if (!client) return penstock::report(client.error());
  for (std::string id; std::getline(std::cin, id);) {
    const std::string trouble = trouble_with(*client, {id});
    if (!trouble.empty()) std::cout << "run " << id << ": " << trouble << '\n';
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  penstock::Tasks tasks;
  tasks.add_raw("torture", torture);
  tasks.add(good_flow()).value();
  tasks.add(bad_flow()).value();
  penstock::App app("penstock", "torture");
  app.tasks(std::move(tasks));
  app.command({.name = "endings",
               .summary = "Every change of a job's state that the event stream tells of",
               .run = print_endings});
  app.command({.name = "flow-start",
               .summary = "Starts the run of an id",
               .words = "ID",
               .run = start_run});
  app.command({.name = "flow-check",
               .summary = "What is wrong with the runs that standard input names",
               .run = check_runs});
  return penstock::main(argc, argv, app);
}
