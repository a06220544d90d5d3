// SPDX-License-Identifier: MIT
//
// What the examples of flows have in common: a store in memory, a client, and workers in threads of
// this process that run one flow. With more than one program, or machine, each of them opens the
// same URL; nothing else changes.
#pragma once

#include <penstock/flow.h>
#include <penstock/log.h>
#include <penstock/penstock.h>

#include <iostream>
#include <thread>
#include <vector>

namespace example {

class Stage {
 public:
  explicit Stage(const penstock::Flow& flow, int workers = 1)
      : client(penstock::Client::open(store()).value()), flow_(flow) {
    penstock::set_log_level(penstock::LogLevel::warning);
    penstock::Tasks tasks;
    tasks.add(flow).value();
    for (int i = 0; i < workers; ++i) {
      workers_.push_back(
          penstock::Worker::open(store(), tasks,
                                 {.concurrency = 1, .name = "worker-" + std::to_string(i + 1)})
              .value());
    }
    for (penstock::Worker& worker : workers_) {
      threads_.emplace_back([&worker] { worker.run().value(); });
    }
  }
  ~Stage() {
    for (penstock::Worker& worker : workers_) worker.stop();
  }

  penstock::RunId start(const penstock::json& input = penstock::json::object()) {
    return client.run(flow_, input).value();
  }
  penstock::Run wait(const penstock::RunId& id) {
    return client.wait_run(id, std::chrono::seconds(30)).value();
  }

  penstock::Client client;

 private:
  static std::string store() { return "sqlite::memory:?prefix=example"; }
  const penstock::Flow& flow_;
  std::vector<penstock::Worker> workers_;
  std::vector<std::jthread> threads_;
};

}  // namespace example
