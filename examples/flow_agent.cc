// SPDX-License-Identifier: MIT
//
// An agent's loop: decide, act, decide again, until it knows enough or its budget is spent. The
// state is in the run's store, so any worker may take the next turn; max_visits is the last resort.
#include "examples/flow_stage.h"

using penstock::json, penstock::Shared;

struct Decide : penstock::Node {
  std::string post(Shared& shared, const json&, const json&) override {
    if (shared.get_or("facts", json::array()).size() >= 3) return "answer";
    return shared.get_or("spent", 0) < shared.at("budget").get<int>() ? "search" : "give up";
  }
};

struct Search : penstock::Node {
  json prep(Shared& shared) override { return shared.at("question"); }
  json exec(const json& question) override { return "a fact about " + question.get<std::string>(); }
  std::string post(Shared& shared, const json&, const json& fact) override {
    shared.append("facts", fact);
    shared.add("spent", 10);
    return "decide";
  }
};

int main() {
  penstock::Flow flow("agent", {.max_visits = 20});
  auto decide = flow.node("decide", Decide{});
  auto search = flow.node("search", Search{});
  auto answer = flow.task(
      "answer",
      [](const json& facts) { return "answered from " + std::to_string(facts.size()) + " facts"; },
      {"facts"});
  auto give_up = flow.task("give_up", [] { return "the budget is spent"; });
  (decide - "search") >> search;
  (search - "decide") >> decide;
  (decide - "answer") >> answer;
  (decide - "give up") >> give_up;
  flow.start(decide);

  example::Stage stage(flow);
  for (const int budget : {100, 20}) {
    const auto run = stage.start({{"question", "rivers"}, {"budget", budget}});
    std::cout << budget << ": " << *stage.wait(run).output << '\n';
  }
}
