// SPDX-License-Identifier: MIT
//
// Node flows: prep, exec, post, actions, loops, batches, flows in flows.
#include "tests/flows/flow_fixture.h"
#include "tests/flows/three_steps.h"

namespace penstock::testing {
namespace {

using NodeFlow = FlowTest;
INSTANTIATE_TEST_SUITE_P(Stores, NodeFlow, ::testing::ValuesIn(flow_stores()), flow_store_name);

TEST_P(NodeFlow, PrepExecAndPostRunInOrderAndInputIsShared) {
  Flow flow("basic");
  Step step;
  step.prepares = [this](Shared& shared) {
    trace_.add("prep");
    return shared.at("text");
  };
  step.executes = [this](const json& text) {
    trace_.add("exec");
    return json(text.get<std::string>() + "!");
  };
  step.posts = [this](Shared& shared, const json&, const json& result) {
    trace_.add("post");
    shared.set("output", result);
    return "complete";
  };
  flow.node("step", step);
  const Run ended = run(flow, {{"text", "hello"}});
  EXPECT_EQ(ended.state, "succeeded");
  EXPECT_EQ(ended.output, "\"hello!\"");
  EXPECT_EQ(shared("output"), "hello!");
  EXPECT_EQ(trace_.joined(), "prep exec post");
  EXPECT_EQ(node("step").state, "succeeded");
  EXPECT_EQ(node("step").action, "complete");
  EXPECT_FALSE(node("step").worker.empty());
}

TEST_P(NodeFlow, AnActionPicksTheEdgeAndALoopRunsUntilItIsLeft) {
  Flow flow("loop");
  auto count = flow.node("count", acting([](Shared& shared) {
                           shared.add("turns", 1);
                           return shared.get_or("turns", 0) < 3 ? "again" : "done";
                         }));
  auto finish = flow.node("finish", acting([](Shared& shared) {
                            shared.set("finished", true);
                            return "default";
                          }));
  (count - "again") >> count;
  count.on("done") >> finish;
  flow.start(count);
  EXPECT_EQ(run(flow).state, "succeeded");
  EXPECT_EQ(shared("turns"), 3);
  EXPECT_EQ(shared("finished"), true);
  EXPECT_EQ(node("count", 3).action, "done");
}

TEST_P(NodeFlow, AMissingEdgeEndsTheFlowWithAWarning) {
  Flow flow("missing");
  auto a = flow.node("a", acting([](Shared&) { return "left"; }));
  auto b = flow.node("b", acting([this](Shared&) { return trace_.add("b"), "default"; }));
  a.on("right") >> b;
  EXPECT_EQ(run(flow).state, "succeeded");
  EXPECT_EQ(trace_.count("b"), 0);
  EXPECT_NE(history().find("no edge"), std::string::npos) << history();
}

TEST_P(NodeFlow, AMissingEdgeFailsTheRunWhenItIsToldTo) {
  Flow flow("strictly", {.fail_on_missing = true});
  auto a = flow.node("a", acting([](Shared&) { return "left"; }));
  a.on("right") >> flow.node("b", acting([](Shared&) { return "default"; }));
  const Run ended = run(flow);
  EXPECT_EQ(ended.state, "failed");
  EXPECT_NE(ended.error.find("\"left\""), std::string::npos) << ended.error;
}

TEST_P(NodeFlow, OnlyExecIsRetriedWithWhatPrepHadReturned) {
  Flow flow("retry");
  Step step;
  step.prepares = [this](Shared&) { return trace_.add("prep"), json("kept"); };
  step.executes = [this](const json& prepared) {
    trace_.add("exec");
    if (trace_.count("exec") < 3) throw std::runtime_error("not yet");
    return prepared;
  };
  step.posts = [this](Shared&, const json&, const json&) { return trace_.add("post"), "default"; };
  flow.node("step", step, {.max_attempts = 3, .backoff = at_once});
  const Run ended = run(flow);
  EXPECT_EQ(ended.state, "succeeded") << ended.error;
  EXPECT_EQ(ended.output, "\"kept\"");
  EXPECT_EQ(trace_.joined(), "prep exec exec exec post");
}

TEST_P(NodeFlow, WhatPrepOrPostThrowsFailsTheNodeAtOnce) {
  for (const std::string bad : {"prep", "post"}) {
    Flow flow("throws");
    Step step;
    const auto part = [this, bad](const std::string& name) {
      trace_.add(name);
      if (name == bad) throw std::runtime_error("bad " + name);
    };
    step.prepares = [part](Shared&) { return part("prep"), json(); };
    step.executes = [part](const json&) { return part("exec"), json(); };
    step.posts = [part](Shared&, const json&, const json&) { return part("post"), "default"; };
    flow.node("step", step, {.max_attempts = 3, .backoff = at_once});
    work({flow});
    trace_.clear();
    EXPECT_EQ(run(flow).error, "node step#1: bad " + bad);
    EXPECT_EQ(trace_.joined(), bad == "prep" ? "prep" : "prep exec post");
  }
}

TEST_P(NodeFlow, WhatPrepAskedForHoldsWhenExecIsTriedAgain) {
  const std::map<std::string, std::function<void(Shared&)>> asks = {
      {"cancelled exec exec", [](Shared& shared) { shared.cancel("enough"); }},
      {"succeeded exec exec", [](Shared& shared) { shared.terminate("enough"); }},
      {"succeeded exec exec asked", [](Shared& shared) { shared.next_task("asked", true); }},
      {"succeeded exec exec exec behind",
       [](Shared& shared) {
         if (shared.iteration().is_null()) shared.next_iteration(1);
       }},
  };
  for (const auto& [ends, ask] : asks) {
    Flow flow("asks");
    Step step;
    step.prepares = [ask](Shared& shared) { return ask(shared), json(); };
    step.executes = [this](const json&) {
      trace_.add("exec");
      if (trace_.count("exec") < 2) throw std::runtime_error("not yet");
      return json();
    };
    auto node = flow.node("node", step, {.max_attempts = 2, .backoff = at_once});
    node >> flow.task("behind", [this] { trace_.add("behind"); });
    node.on("never") >> flow.task("asked", [this] { trace_.add("asked"); });
    work({flow});
    trace_.clear();
    const std::string state = run(flow).state;
    EXPECT_EQ(state + ' ' + trace_.joined(), ends);
  }
}

TEST_P(NodeFlow, WhatPrepWroteAndLockedIsThereWhenExecIsTriedAgain) {
  Flow flow("keeps");
  Step step;
  step.prepares = [this](Shared& shared) {
    trace_.add("prep");
    shared.set("set", "by prep");
    shared.append("list", 1);
    shared.prepend("list", 0);
    shared.add("sum", 2);
    shared.erase("old");
    EXPECT_TRUE(shared.try_lock("mine"));
    EXPECT_TRUE(shared.try_lock("other"));
    return nullptr;
  };
  step.executes = [this](const json&) {
    trace_.add("exec");
    if (trace_.count("exec") < 3) throw std::runtime_error("not yet");
    return nullptr;
  };
  step.posts = [](Shared& shared, const json&, const json&) {
    shared.append("list", 2);
    shared.add("sum", 3);
    return "default";
  };
  flow.node("step", step, {.max_attempts = 3, .backoff = at_once}) >>
      flow.task("next",
                [](Shared& shared) { return shared.try_lock("mine") && shared.try_lock("other"); });
  const Run ended = run(flow, {{"old", 1}});
  EXPECT_EQ(ended.output, "true") << ended.error;
  EXPECT_EQ(trace_.joined(), "prep exec exec exec");
  EXPECT_EQ(client_.shared(id_).value(),
            (std::map<std::string, std::string>{
                {"set", "\"by prep\""}, {"list", "[0,1,2]"}, {"sum", "5"}}));
}

TEST_P(NodeFlow, WhatIsNoListIsNotAppendedTo) {
  for (const json& value : {json("text"), json(5), json{{"a", 1}}}) {
    Flow flow("appends");
    flow.task("step", [](Shared& shared) { shared.append("key", 1); });
    work({flow});
    const Run ended = run(flow, {{"key", value}});
    EXPECT_EQ(ended.error, "node step#1: cannot append to \"key\", which is " + value.dump());
    EXPECT_EQ(shared("key"), value);
  }
}

struct Falling : Node {
  json exec(const json&) override { throw std::runtime_error("always"); }
  json exec_fallback(const json&, std::exception_ptr) override { return "instead"; }
};

TEST_P(NodeFlow, TheFallbackAnswersAfterTheLastTry) {
  Flow flow("fallback");
  flow.node("falls", Falling{}, {.max_attempts = 2, .backoff = at_once});
  const Run ended = run(flow);
  EXPECT_EQ(ended.state, "succeeded");
  EXPECT_EQ(ended.output, "\"instead\"");
  EXPECT_EQ(node("falls").attempt, 2);
}

TEST_P(NodeFlow, WhatAFailedNodeWroteIsNotKept) {
  Flow flow("atomic");
  Step step;
  step.prepares = [](Shared& shared) {
    shared.set("half", 1);
    return json();
  };
  step.executes = [](const json&) -> json { throw NoRetry("no"); };
  flow.node("step", step);
  EXPECT_EQ(run(flow).state, "failed");
  EXPECT_FALSE(has("half"));
}

TEST_P(NodeFlow, ValuesOfEveryKindComeBackAsTheyWere) {
  Flow flow("values");
  const json values = {{"null", nullptr}, {"false", false}, {"zero", 0},
                       {"empty", ""},     {"list", {1, 2}}, {"real", 0.1}};
  auto write = flow.node("write", acting([values](Shared& shared) {
                           for (const auto& [key, value] : values.items()) shared.set(key, value);
                           shared.set("gone", 1);
                           shared.erase("gone");
                           return "default";
                         }));
  auto read = flow.node("read", acting([this, values](Shared& shared) {
                          for (const auto& [key, value] : values.items()) {
                            if (shared.get(key) != value) trace_.add("wrong " + key);
                          }
                          if (shared.contains("gone")) trace_.add("gone is there");
                          if (!shared.contains("null")) trace_.add("null is not there");
                          trace_.add("keys " + std::to_string(shared.keys().size()));
                          return "default";
                        }));
  write >> read;
  EXPECT_EQ(run(flow).state, "succeeded");
  EXPECT_EQ(trace_.joined(), "keys 6");
}

TEST_P(NodeFlow, AnInnerFlowsLastActionPicksTheOuterEdge) {
  Flow inner("inner");
  auto first = inner.node("first", acting([](Shared& shared) {
                            shared.append("seen", "first");
                            return "default";
                          }));
  first >> inner.node("second", acting([](Shared& shared) {
                        shared.append("seen", "second");
                        return "left";
                      }));
  Flow outer("outer");
  auto nested = outer.flow("nested", inner);
  nested.on("left") >> outer.node("after", acting([](Shared& shared) {
                                    shared.append("seen", "after");
                                    return "default";
                                  }));
  nested.on("right") >> outer.node("wrong", acting([](Shared&) { return "default"; }));
  const Run ended = run(outer);
  EXPECT_EQ(ended.state, "succeeded") << ended.error;
  EXPECT_EQ(shared("seen"), json({"first", "second", "after"}));
  EXPECT_EQ(node("nested#1/second").state, "succeeded");
}

TEST_P(NodeFlow, WhatIsPrependedStandsBeforeWhatWasThere) {
  Flow flow("both-ends");
  auto first = flow.node("first", acting([](Shared& shared) {
                           shared.prepend("list", 2);
                           shared.append("list", 3);
                           EXPECT_EQ(shared.at("list"), json({2, 0, 3}));
                           return "default";
                         }));
  first >> flow.node("second", acting([](Shared& shared) {
                       shared.prepend("list", 1);
                       shared.append("list", "<4");
                       return "default";
                     }));
  EXPECT_EQ(run(flow, {{"list", {0}}}).state, "succeeded");
  EXPECT_EQ(shared("list"), json({1, 2, 0, 3, "<4"}));
}

TEST_P(NodeFlow, ALockIsHeldByOneNodeAtATime) {
  Flow flow("locks");
  auto split = flow.node("split", acting([](Shared&) { return "default"; }));
  Step holder;
  holder.prepares = [this](Shared& shared) {
    if (!shared.try_lock("door")) throw Snooze(Duration{5});
    trace_.add("in");
    return json();
  };
  holder.posts = [this](Shared& shared, const json&, const json&) {
    trace_.add("out");
    shared.add("through", 1);
    return "default";
  };
  auto one = flow.node("one", holder), two = flow.node("two", holder);
  split >> (one | two);
  const Run ended = run(flow);
  EXPECT_EQ(ended.state, "succeeded") << ended.error;
  EXPECT_EQ(shared("through"), 2);
  EXPECT_EQ(trace_.joined(), "in out in out");
}

TEST_P(NodeFlow, WhatDoesNotFitIntoTheStoreIsRefusedWithAClearError) {
  Flow flow("large");
  flow.node("writes", acting([](Shared& shared) {
              shared.set("big", std::string(2 << 20, 'x'));
              return "default";
            }));
  const Run ended = run(flow);
  EXPECT_EQ(ended.state, "failed");
  EXPECT_NE(ended.error.find("the limit of the shared store"), std::string::npos) << ended.error;
}

}  // namespace
}  // namespace penstock::testing
