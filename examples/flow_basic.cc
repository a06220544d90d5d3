// SPDX-License-Identifier: MIT
//
// The basic node flow: a node that reads the run's input, works on it, and writes the outcome into
// the run's shared store. Prints HELLO.
#include <penstock/penstock.h>

#include <algorithm>
#include <cctype>
#include <iostream>

using namespace penstock;

struct Upper : Node {
  json prep(Shared& shared) override { return shared.at("input"); }
  json exec(const json& text) override {
    std::string upper = text;
    std::ranges::transform(upper, upper.begin(), [](unsigned char c) { return std::toupper(c); });
    return upper;
  }
  std::string post(Shared& shared, const json&, const json& result) override {
    shared.set("output", result);
    return "complete";
  }
};

int main() {
  const std::string store = "sqlite::memory:?name=flow_basic";
  Flow flow("basic");
  flow.node("upper", Upper{});
  Tasks tasks;
  tasks.add(flow).value();
  auto client = Client::open(store).value();
  auto worker = Worker::open(store, tasks).value();
  const RunId run = client.run(flow, json{{"input", "hello"}}).value();
  while (!client.find_run(run)->ended()) worker.run_one().value();
  std::cout << client.shared(run)->at("output") << '\n';
}
