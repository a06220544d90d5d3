// SPDX-License-Identifier: MIT
//
// A pipeline whose steps run on different workers: each step has a pool, and each pool a worker.
// The same in YAML, with steps in Python: examples/etl.
#include <penstock/flow.h>
#include <penstock/log.h>
#include <penstock/penstock.h>

#include <algorithm>
#include <iostream>
#include <thread>

using penstock::json, penstock::Shared;

int main() {
  penstock::set_log_level(penstock::LogLevel::warning);
  penstock::Flow flow("etl");
  auto extract = flow.task(
      "extract",
      [] {
        return json::array({{{"name", "Ada"}, {"age", "36"}}, {{"name", ""}, {"age", "-"}}});
      },
      {}, {.pool = "extract", .max_attempts = 3});
  auto transform = flow.task("transform",
                             [](const json& rows) {
                               json good = json::array();
                               for (const json& row : rows) {
                                 if (!row.at("name").get<std::string>().empty())
                                   good.push_back(row);
                               }
                               return good;
                             },
                             {"extract"}, {.pool = "transform"});
  auto load = flow.task("load",
                        [](const json& rows, Shared& shared) {
                          shared.set("loaded", rows.size());
                          return rows;
                        },
                        {"transform"}, {.pool = "load"});
  extract >> transform >> load;

  const std::string store = "sqlite::memory:?prefix=etl";
  penstock::Tasks tasks;
  tasks.add(flow).value();
  std::vector<penstock::Worker> workers;
  for (const char* pool : {"extract", "transform", "load"}) {
    workers.push_back(
        penstock::Worker::open(
            store, tasks, {.pools = {pool}, .concurrency = 1, .name = std::string(pool) + "er"})
            .value());
  }
  std::vector<std::jthread> threads;
  for (auto& worker : workers) threads.emplace_back([&worker] { worker.run().value(); });
  auto client = penstock::Client::open(store).value();
  const auto id = client.run(flow, json::object()).value();
  client.wait_run(id, std::chrono::seconds(30)).value();
  const penstock::Run run = client.find_run(id).value();
  for (const char* step : {"extract", "transform", "load"}) {
    const auto node = std::ranges::find(run.nodes, step, &penstock::RunNode::node);
    std::cout << step << " by " << node->worker << '\n';
  }
  std::cout << "loaded " << client.shared(id).value().at("loaded") << '\n';
  for (auto& worker : workers) worker.stop();
}
