// SPDX-License-Identifier: MIT
//
// The basic node: prep reads the run's input from the shared store, exec works without it, post
// writes what came of it. Prints HELLO.
#include <penstock/flow.h>
#include <penstock/penstock.h>

#include <cctype>
#include <iostream>

using penstock::json, penstock::Shared;

struct Upper : penstock::Node {
  json prep(Shared& shared) override { return shared.at("input"); }
  json exec(const json& text) override {
    std::string upper = text;
    for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    return upper;
  }
  std::string post(Shared& shared, const json&, const json& result) override {
    shared.set("output", result);
    return "complete";
  }
};

int main() {
  penstock::Flow flow("basic");
  flow.node("upper", Upper{});
  penstock::Tasks tasks;
  tasks.add(flow).value();
  auto client = penstock::Client::open("sqlite::memory:").value();
  auto worker = penstock::Worker::open("sqlite::memory:", tasks).value();
  const auto run = client.run(flow, json{{"input", "hello"}}).value();
  while (!client.find_run(run).value().ended()) worker.run_one().value();
  std::cout << json::parse(client.shared(run).value().at("output")).get<std::string>() << '\n';
}
