// SPDX-License-Identifier: MIT
//
// A batch node: exec runs for each item, with tries of its own; what fails for good is answered by
// exec_fallback, and post gets all results in order.
#include "examples/flow_stage.h"

using penstock::json, penstock::Shared;

struct Invert : penstock::BatchNode {
  json prep(Shared& shared) override { return shared.at("numbers"); }
  json exec(const json& number) override {
    if (number == 0) throw std::runtime_error("nothing to divide by");
    return 1.0 / number.get<double>();
  }
  json exec_fallback(const json&, std::exception_ptr) override { return nullptr; }
  std::string post(Shared& shared, const json&, const json& results) override {
    shared.set("inverted", results);
    return "done";
  }
};

int main() {
  penstock::Flow flow("invert");
  flow.node(
      "invert", Invert{},
      {.max_attempts = 2, .backoff = penstock::Backoff{.kind = penstock::Backoff::Kind::none}});
  example::Stage stage(flow);
  const auto run = stage.start({{"numbers", {2, 0, 4}}});
  std::cout << stage.wait(run).state << ' ' << stage.client.shared(run).value().at("inverted")
            << '\n';
}
