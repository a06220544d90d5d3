// SPDX-License-Identifier: MIT
//
// A saga: each step says how it is undone; when a later one fails for good, what was done is undone
// in reverse order.
#include "examples/flow_stage.h"

using penstock::json, penstock::Shared;

int main() {
  const auto undone = [](const char* what) {
    return [what](Shared& shared) { shared.append("undone", what); };
  };
  penstock::Flow flow("trip");
  auto hotel = flow.task("hotel", [] { return "room 7"; }).undo(undone("hotel"));
  auto flight = flow.task("flight", [] { return "seat 12A"; }).undo(undone("flight"));
  auto pay = flow.task("pay", []() -> int { throw penstock::NoRetry("the card was refused"); });
  hotel >> flight >> pay;

  example::Stage stage(flow);
  const auto id = stage.start();
  const penstock::Run run = stage.wait(id);
  std::cout << run.state << " because " << run.error << '\n'
            << "undone: " << stage.client.shared(id).value().at("undone") << '\n';
}
