// SPDX-License-Identifier: MIT
//
// Nodes of flows per second: how fast worker processes end nodes, fire what comes next, and keep
// the runs' stores.
//
//   bench_flows [--store URL] [--workers 2] [--slots 2] [--nodes 20000] [--width 100] [--chain 20]
//
// Chains are runs of --chain nodes one after the other, as many runs at once as make --nodes in
// all; fan-outs are runs of one node, --width beside each other and a join; the map is one run over
// a list of --nodes items with a join. Every node does nothing but return a number. Printed: nodes
// a second from the first start of a run to the last end, and what the same workers reach with
// plain jobs in the same run, to compare with.
#include "bench/stage.h"

#include <penstock/flow.h>

using namespace penstock;
using namespace penstock::bench;

namespace {

Flow chain_of(int length) {
  Flow flow("chain");
  Nodes last = flow.task("n0", [] { return 0; });
  for (int i = 1; i < length; ++i) {
    last = last >> flow.task("n" + std::to_string(i), [i] { return i; });
  }
  return flow;
}

Flow fan_of(int width) {
  Flow flow("fan");
  auto split = flow.task("split", [] { return 0; });
  auto join = flow.task("join", [] { return 1; });
  for (int i = 0; i < width; ++i) {
    split >> flow.task("b" + std::to_string(i), [i] { return i; }) >> join;
  }
  return flow;
}

Flow map_flow() {
  Flow flow("map", {.max_steps = 100});
  auto list = flow.task("list",
                        [](int n) {
                          json items = json::array();
                          for (int i = 0; i < n; ++i) items.push_back(i);
                          return items;
                        },
                        {"n"});
  auto each = flow.map("each", "$.nodes.list.result", [](int i) { return i; }, {.parallel = 500});
  auto join = flow.task("join", [](const json& all) { return all.size(); }, {"each"});
  list >> each >> join;
  return flow;
}

void report(const char* what, int nodes, double seconds) {
  std::printf("%-28s %7d nodes in %6.2f s: %8.0f nodes/s\n", what, nodes, seconds, nodes / seconds);
  std::fflush(stdout);
}

void await(Client& client, const RunId& id) {
  const Run run = must(client.wait_run(id, std::chrono::minutes(10)));
  if (run.output) return;
  give_up({Errc::internal, "run " + id.text + " is " + run.state + ": " + run.error});
}

void runs_of(Client& client, const char* what, const Flow& flow, int runs, int nodes_each) {
  const SteadyTime start = real_clock().steady();
  std::vector<RunId> ids;
  for (int i = 0; i < runs; ++i) ids.push_back(must(client.run(flow, json::object())));
  for (const RunId& id : ids) await(client, id);
  report(what, runs * nodes_each, seconds_since(start));
}

}  // namespace

int main(int argc, char** argv) {
  const CommandLine arguments(argc, argv);
  const int nodes = arguments.number("--nodes", 20'000, 100, 1'000'000);
  const int width = arguments.number("--width", 100, 1, 10'000);
  const int length = arguments.number("--chain", 20, 1, 1000);
  const int slots = arguments.number("--slots", 2, 1, 64);
  const Flow chain = chain_of(length), fan = fan_of(width), map = map_flow();
  Tasks tasks;
  for (const Flow* flow : {&chain, &fan, &map}) must(tasks.add(*flow));
  tasks.add_raw("plain", [](std::string_view, JobContext&) { return std::string("0"); });
  if (arguments.has("--work")) work(arguments, tasks, {.concurrency = slots});

  const TemporaryStore store(arguments.text("--store"));
  const int workers = arguments.number("--workers", 2, 1, 16);
  std::vector<WorkerProcess> fleet;
  for (int i = 0; i < workers; ++i) {
    fleet.emplace_back(store.url(), std::vector<std::string>{"--slots", std::to_string(slots),
                                                             "--chain", std::to_string(length),
                                                             "--width", std::to_string(width)});
  }
  Client client = must(Client::open(store.url()));
  std::printf("%s, %d workers of %d slots\n", client.store_name().c_str(), workers, slots);
  const SteadyTime start = real_clock().steady();
  std::vector<JobSpec> jobs(250, JobSpec{.task = "plain"});
  JobId last;
  for (int i = 0; i < nodes; i += 250) last = must(client.submit(jobs)).back().id;
  must(client.wait_text(last, std::chrono::minutes(5)));
  report("plain jobs", nodes, seconds_since(start));
  runs_of(client, "chains", chain, std::max(1, nodes / length), length);
  runs_of(client, "fan-out and join", fan, std::max(1, nodes / (width + 2)), width + 2);
  const SteadyTime began = real_clock().steady();
  await(client, must(client.run(map, json{{"n", nodes}})));
  report("one map and its join", nodes + 2, seconds_since(began));
}
