// SPDX-License-Identifier: MIT
//
// Random flows: each step runs as often, and sees what, its plan foretells, whatever goes wrong
// meanwhile. The suite draws the same flows each time, in another order of events;
// PENSTOCK_SEED=... draws others, and PENSTOCK_PLANS=... more. A failure prints the seed that
// repeats it.
#include "tests/flows/plan.h"
#include "tests/flows/flow_fixture.h"
#include "tests/support/environment.h"

namespace penstock::testing {
namespace {

using Lines = std::vector<std::string>;

class Plans : public FlowTest {
 protected:
  // Calls `tries` with so many plans; of each the seed is told when it fails.
  template <class F>
  void each_plan(int count, F tries) {
    const std::uint64_t seed = number_from("PENSTOCK_SEED", 20261127);
    const auto plans = number_from("PENSTOCK_PLANS", static_cast<std::uint64_t>(count));
    for (std::uint64_t i = 0; i < plans && !HasFailure(); ++i) {
      SCOPED_TRACE("PENSTOCK_SEED=" + std::to_string(seed + i) + " PENSTOCK_PLANS=1");
      PlanDice dice(seed + i);
      plan_ = draw_plan(dice);
      foretold_ = foretell(plan_);
      if (!foretold_) continue;
      trouble_ = std::make_shared<PlanTrouble>();
      trouble_->dice.seed(dice());
      tries(dice);
      if (HasFailure()) ADD_FAILURE() << show(plan_) << said_;
    }
  }
  void offer(const std::string& name) {
    said_.clear();
    flow_ = build_flow(name, plan_, trouble_);
    work({flow_});
  }
  // Retries until it has succeeded.
  Run succeed(const RunId& id) {
    id_ = id;
    Run ended = end(id);
    for (int i = 0; i < 200 && ended.state == "failed"; ++i) {
      client_.retry_run(id).value();
      ended = end(id);
    }
    return ended;
  }
  // Answers what it asks meanwhile, and starts other workers. One that stands still is told as it
  // stands.
  Run end(const RunId& id) {
    const auto until = real_clock().steady() + Duration{30'000};
    while (real_clock().steady() < until) {
      if (const auto ended = client_.wait_run(id, Duration{15})) return *ended;
      for (const RunNode& node : client_.find_run(id).value().nodes) {
        if (node.state != "waiting" || node.waits_for != "text") continue;
        const std::string name = node.node.substr(node.node.rfind('/') + 1);
        (void)client_.signal(id, place_of(node), json(answer_of(name)).dump());
      }
      if (trouble_->chance(restarts_)) work({flow_});
    }
    Run run = client_.find_run(id).value();
    run.error += "has not ended:";
    for (const RunNode& node : run.nodes) {
      if (node.state != "succeeded") run.error += ' ' + place_of(node) + ' ' + node.state;
    }
    return run;
  }
  static std::string place_of(const RunNode& node) {
    return node.node + '#' + std::to_string(node.visit);
  }
  Lines lines(const std::string& key) { return has(key) ? shared(key).get<Lines>() : Lines{}; }
  // What of the foretold is missing (-), and what else there is (+).
  std::string mistakes() {
    auto made = lines("lines");
    std::ranges::copy(lines("items"), std::back_inserter(made));
    std::ranges::sort(made);
    Lines missing, more;
    std::ranges::set_difference(*foretold_, made, std::back_inserter(missing));
    std::ranges::set_difference(made, *foretold_, std::back_inserter(more));
    std::string text;
    for (const auto& line : missing) text += "- " + line + '\n';
    for (const auto& line : more) text += "+ " + line + '\n';
    return text;
  }
  void expect_foretold(const Run& ended) {
    EXPECT_EQ(ended.state, "succeeded") << ended.error;
    EXPECT_EQ(mistakes(), "") << (said_ = history());
  }

  Plan plan_;
  std::optional<Lines> foretold_;
  std::shared_ptr<PlanTrouble> trouble_;
  Flow flow_{"none"};
  std::string said_;
  int restarts_ = 0;  // Percent, every 15 ms.
};
INSTANTIATE_TEST_SUITE_P(Stores, Plans, ::testing::ValuesIn(flow_stores()), flow_store_name);

TEST_P(Plans, EachStepRunsAsOftenAndSeesWhatItsPlanForetells) {
  each_plan(60, [this](PlanDice&) {
    trouble_->snoozes = trouble_->exec_fails = 1;
    restarts_ = 20;
    offer("plan");
    expect_foretold(succeed(client_.run(flow_, json::object()).value()));
  });
}

TEST_P(Plans, SoItIsWhenStepsFailAndTheRunIsRetried) {
  each_plan(60, [this](PlanDice& dice) {
    trouble_->slow = static_cast<int>(dice() % 3) * 25;
    restarts_ = static_cast<int>(dice() % 2) * 15;
    trouble_->fails = 5 + static_cast<int>(dice() % 3) * 10;
    offer("plan");
    expect_foretold(succeed(client_.run(flow_, json::object()).value()));
  });
}

TEST_P(Plans, AForkEndsAsAnyRunDoes) {
  each_plan(30, [this](PlanDice& dice) {
    trouble_->slow = 30;
    trouble_->fails = static_cast<int>(dice() % 2) * 4;
    offer("plan");
    RunId from = client_.run(flow_, json::object()).value();
    const Run ended = end(id_ = from);
    if (ended.state == "succeeded") expect_foretold(ended);
    for (int i = 0; i < 3 && !HasFailure(); ++i) {
      const auto nodes = client_.find_run(from).value().nodes;
      const RunNode& node = nodes[dice() % nodes.size()];
      if (node.state != "succeeded") continue;
      const std::string place = place_of(node);
      SCOPED_TRACE("forked at " + place);
      const auto forked = client_.fork_run({.run = from, .node = place});
      if (!forked && forked.error().message.find("is local") != std::string::npos) continue;
      expect_foretold(succeed(from = forked.value()));
    }
  });
}

TEST_P(Plans, WhatHasEndedIsUndoneInReverseOrder) {
  each_plan(60, [this](PlanDice& dice) {
    trouble_->slow = static_cast<int>(dice() % 3) * 25;
    restarts_ = static_cast<int>(dice() % 2) * 15;
    trouble_->undo_fails = static_cast<int>(dice() % 2) * 10;
    trouble_->undoes = true;
    trouble_->fails_for_good = (*foretold_)[dice() % foretold_->size()];
    SCOPED_TRACE("fails: " + trouble_->fails_for_good);
    offer("plan");
    id_ = client_.run(flow_, json::object()).value();
    Run ended = end(id_);
    if (ended.state == "succeeded") return;  // A group has tolerated it.
    Lines done;
    for (const std::string& line : lines("lines")) done.push_back(line.substr(0, line.find('(')));
    std::ranges::reverse(done);
    for (int i = 0; i < 50 && lines("undone").size() < done.size(); ++i) {
      if (ended.state != "failed") break;
      client_.retry_run(id_).value();
      ended = end(id_);
    }
    EXPECT_EQ(ended.state, done.empty() ? "failed" : "compensated") << ended.error;
    const auto undone = lines("undone");
    const auto [is, was] = std::ranges::mismatch(undone, done);
    EXPECT_EQ(undone.size(), done.size()) << (said_ = history());
    if (is != undone.end()) {
      EXPECT_EQ(*is, *was) << (said_ = history());
    }
  });
}

}  // namespace
}  // namespace penstock::testing
