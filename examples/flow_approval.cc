// SPDX-License-Identifier: MIT
//
// Waiting for a person: the gate holds no slot and no process, however long it takes. Answered here
// by the same program; elsewhere by `penstock flow signal RUN review true`.
#include "examples/flow_stage.h"

using penstock::json;

int main() {
  penstock::Flow flow("publish");
  auto draft = flow.task("draft", [] { return "a text"; });
  auto review = flow.gate("review", {.ask = penstock::GateOptions::Ask::approval,
                                     .prompt = "Publish it?",
                                     .deadline = std::chrono::hours(24)});
  auto publish =
      flow.task("publish", [](const std::string& text) { return "published " + text; }, {"draft"});
  auto discard = flow.task("discard", [] { return "discarded"; });
  draft >> review;
  (review - "approved") >> publish;
  (review - "rejected") >> discard;
  (review - "timed_out") >> discard;

  example::Stage stage(flow);
  for (const bool approved : {true, false}) {
    const auto run = stage.start();
    while (!stage.client.signal(run, "review", json(approved).dump(), "ada")) {
      // It has not got that far.
      stage.client.events({}, std::chrono::milliseconds(50)).value();
    }
    std::cout << *stage.wait(run).output << '\n';
    std::cout << (stage.client.signal(run, "review", "true") ? "twice"
                                                             : "a second answer is refused")
              << '\n';
  }
}
