// SPDX-License-Identifier: MIT
//
// Flows in flows: an inner flow is a node of the outer one, and its last action picks the edge. A
// batch flow runs it once for each set of parameters.
#include "examples/flow_stage.h"

using penstock::json, penstock::Shared;

struct Check : penstock::Node {
  std::string post(Shared& shared, const json&, const json&) override {
    return shared.at("amount").get<int>() < 100 ? "small" : "large";
  }
};

struct Greet : penstock::Node {
  std::string post(Shared& shared, const json&, const json&) override {
    shared.append("greeted", shared.params().at("name"));
    return "default";
  }
};

int main() {
  penstock::Flow checks("checks");
  checks.task("log", [](Shared& shared) { shared.set("checked", true); }) >>
      checks.node("check", Check{});
  penstock::Flow greetings("greetings");
  greetings.node("greet", Greet{});

  penstock::Flow order("order");
  auto check = order.flow("check", checks);
  auto everyone = order.batch_flow("everyone", greetings, [](Shared&) {
    return json::array({{{"name", "Ada"}}, {{"name", "Grace"}}});
  });
  auto refuse = order.task("refuse", [] { return "too much"; });
  auto done = order.task("done", [](Shared& shared) { return shared.at("greeted"); });
  (check - "small") >> everyone >> done;
  (check - "large") >> refuse;

  example::Stage stage(order);
  for (const int amount : {5, 500}) {
    std::cout << amount << ": " << *stage.wait(stage.start({{"amount", amount}})).output << '\n';
  }
}
