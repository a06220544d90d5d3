// SPDX-License-Identifier: MIT
//
// Forks: another run that goes on where a run was before one of its nodes ended.
#include "tests/flows/flow_fixture.h"

namespace penstock::testing {
namespace {

using ForkTest = FlowTest;
INSTANTIATE_TEST_SUITE_P(Stores, ForkTest, ::testing::ValuesIn(flow_stores()), flow_store_name);

TEST_P(ForkTest, AForkGoesOnWhereTheRunWasWithAnEditedStore) {
  Flow flow("forks");
  auto a = flow.task("a", [this](Shared& shared) {
    trace_.add("a");
    shared.set("factor", 2);
    shared.append("seen", "a");
    return 10;
  });
  auto b = flow.task("b",
                     [](int n, Shared& shared) {
                       shared.append("seen", "b");
                       return n * shared.at("factor").get<int>();
                     },
                     {"a"});
  a >> b;
  EXPECT_EQ(run(flow).output, "20");
  const RunId first = id_;
  id_ = client_.fork_run({.run = first, .node = "b", .set = {{"factor", "5"}}}).value();
  EXPECT_EQ(wait(id_).output, "50");
  EXPECT_EQ(shared("seen"), json({"a", "b"}));
  EXPECT_EQ(trace_.count("a"), 1);
  EXPECT_EQ(client_.find_run(id_)->forked_from, first.text + "|b#1");
  EXPECT_NE(history().find("forked from run " + first.text + " before b#1"), std::string::npos);
  EXPECT_EQ(client_.wait_run(first, flow_patience)->output, "20");
  EXPECT_EQ(client_.fork_run({.run = first, .node = "nobody"}).error().code, Errc::not_found);
}

TEST_P(ForkTest, AForkTakesTheItemsOfAMapThatWasUnderWay) {
  Flow flow("midway");
  auto split = flow.task("split", [] { return json({1, 2, 3}); });
  auto open = std::make_shared<std::atomic<bool>>(false);
  auto each = flow.map(
      "each", "$.nodes.split.result",
      [open](int n) {
        open->wait(false);  // No item has ended when x does, and when the run is forked there.
        return n * 10;
      },
      {.parallel = 1});
  auto x = flow.task("x", [](Shared& shared) { shared.set("x", 1); });
  auto after = flow.task("after", [open] {
    *open = true;
    open->notify_all();
  });
  auto join = flow.task("join", [](const json& all) { return all; }, {"each"});
  split >> (each | x);
  x >> after;
  each >> join;
  EXPECT_EQ(run(flow).output, "[10,20,30]");
  id_ = client_.fork_run({.run = id_, .node = "x", .set = {}}).value();
  const Run forked = wait(id_);
  EXPECT_EQ(forked.state, "succeeded") << forked.error;
  EXPECT_EQ(client_.find_run(id_).value().output, "[10,20,30]");
}

TEST_P(ForkTest, AForkOfAForkKnowsWhatLayBeforeTheFirst) {
  Flow flow("again");
  auto step = [&](const std::string& name) {
    return flow.task(name, [name](Shared& shared) {
      shared.append("seen", name);
      return shared.at("k").get<int>() + shared.get_or("edit", 0);
    });
  };
  step("a") >> step("b") >> step("c") >> step("d");
  EXPECT_EQ(run(flow, {{"k", 7}}).output, "7");
  id_ = client_.fork_run({.run = id_, .node = "b", .set = {{"edit", "10"}}}).value();
  EXPECT_EQ(wait(id_).output, "17");
  const RunId first = id_;
  for (const char* node : {"c", "d", "b", "a"}) {
    id_ = client_.fork_run({.run = first, .node = node}).value();
    const Run forked = wait(id_);
    EXPECT_EQ(forked.state, "succeeded") << node << ": " << forked.error;
    // What lies before the first fork has not heard of its edit.
    EXPECT_EQ(forked.output, node == std::string("a") ? "7" : "17") << node;
    EXPECT_EQ(shared("seen"), json({"a", "b", "c", "d"})) << node;
    const Run known = client_.find_run(id_).value();
    EXPECT_EQ(known.flow, "again");
    EXPECT_EQ(json::parse(known.input), json({{"k", 7}}));
    EXPECT_EQ(known.forked_from, first.text + "|" + node + "#1");
  }
}

TEST_P(ForkTest, AForkOfAForkTakesTheItemsOfAMapThatEndedBeforeTheFirst) {
  Flow flow("stages");
  auto split = flow.task("split", [] { return json({1, 2, 3}); });
  auto each = flow.map("each", "$.nodes.split.result", [](int n) { return n * 10; });
  split >> each >> flow.task("last", [](const json& all) { return all; }, {"each"});
  EXPECT_EQ(run(flow).output, "[10,20,30]");
  id_ = client_.fork_run({.run = id_, .node = "last"}).value();
  EXPECT_EQ(wait(id_).output, "[10,20,30]");
  id_ = client_.fork_run({.run = id_, .node = "each"}).value();
  EXPECT_EQ(wait(id_).output, "[10,20,30]");
}

TEST_P(ForkTest, AForkStartsTheRunInsideAnewThatWasUnderWay) {
  Flow inner("within");
  auto ask = inner.gate("ask", {.ask = GateOptions::Ask::approval});
  (ask - "approved") >> inner.task("one", [] { return 1; });
  Flow outer("around");
  auto before = outer.task("before", [] {});
  auto calls = outer.run("calls", inner);
  auto beside = outer.gate("beside", {.ask = GateOptions::Ask::text});
  before >> (calls | beside);
  work({outer});
  id_ = client_.run(outer, json::object()).value();
  const RunId first = id_;
  await(id_, "calls", "waiting");
  client_.signal(id_, "beside", "\"x\"").value();
  await(id_, "beside", "succeeded");
  const auto child_of = [&](const RunId& run) {
    const Run known = client_.find_run(run).value();
    for (const RunNode& one : known.nodes) {
      if (one.node == "calls") return one.inside;
    }
    return std::string();
  };
  const std::string child = child_of(first);
  id_ = client_.fork_run({.run = first, .node = "beside"}).value();
  client_.signal(id_, "beside", "\"x\"").value();
  await(id_, "beside", "succeeded");
  await(id_, "calls", "waiting");
  const std::string forked = child_of(id_);
  EXPECT_NE(forked, child);
  client_.signal({forked}, "ask", "true").value();
  EXPECT_EQ(wait(id_).state, "succeeded");
  // The run that was forked goes on with its own.
  client_.signal({child}, "ask", "true").value();
  EXPECT_EQ(wait(first).state, "succeeded");
}

TEST_P(ForkTest, AForkBeginsBeforeAFlowOrAnItemAsTheyAreShown) {
  Flow inner("part");
  inner.task("x", [this] { trace_.add("x"); }) >> inner.task("y", [this] { trace_.add("y"); });
  Flow flow("whole");
  flow.task("a",
            [] {
              return json({1, 2, 3});
            }) >>
      flow.map("m", "$.nodes.a.result", [this](int n) { trace_.add(std::to_string(n)); },
               {.parallel = 1}) >>
      flow.flow("fl", inner);
  EXPECT_EQ(run(flow).state, "succeeded");
  const RunId first = id_;
  for (const auto& [node, ran] : std::map<std::string, std::string>{
           {"fl", "x y"}, {"fl#1/y", "y"}, {"m[1]", "2 3 x y"}, {"m#1[2]", "3 x y"}}) {
    trace_.clear();
    id_ = client_.fork_run({.run = first, .node = node}).value();
    EXPECT_EQ(wait(id_).state, "succeeded") << node;
    EXPECT_EQ(trace_.joined(), ran) << node;
  }
  for (const char* node : {"m[9]", "m[", "m#", "m#1[x]", "fl#2", "fl/"}) {
    EXPECT_FALSE(client_.fork_run({.run = first, .node = node})) << node;
  }
}

TEST_P(ForkTest, AForkDoesNotShowTheRunInsideOfTheOtherAsItsOwn) {
  Flow inner("inner"), flow("outer");
  inner.gate("ask", {});
  auto begin = flow.task("begin", [] {});
  begin >> (flow.run("calls", inner) | flow.task("beside", [] {}));
  work({flow});
  const RunId first = client_.run(flow, json::object()).value();
  await(first, "calls", "waiting");
  await(first, "beside", "succeeded");
  stop();
  const Run forked =
      client_.find_run(client_.fork_run({.run = first, .node = "beside"}).value()).value();
  for (const RunNode& one : forked.nodes) EXPECT_EQ(one.inside, "") << one.node;
}

TEST_P(ForkTest, AForkDoesNotBeginBeforeALocalNodeAndSaysWhy) {
  Flow flow("local");
  flow.task("a", [] {}) >> flow.task("b", [] {}, {}, {.local = true}) >> flow.task("c", [] {});
  EXPECT_EQ(run(flow).state, "succeeded");
  const auto refused = client_.fork_run({.run = id_, .node = "b"});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find("b#1 is local"), std::string::npos)
      << refused.error().message;
}

TEST_P(ForkTest, ALocalNodeThatWasUndoneIsNoPlaceToForkAtEither) {
  Flow flow("undone");
  auto local = flow.task("local", [] {}, {}, {.local = true}).undo([](Shared&) {});
  flow.task("begin", [] {}) >> local >> flow.task("fails", [] { throw NoRetry("no"); });
  EXPECT_EQ(run(flow).state, "compensated");
  const auto forked = client_.fork_run({.run = id_, .node = "local"});
  ASSERT_FALSE(forked);
  EXPECT_NE(forked.error().message.find("is local"), std::string::npos) << forked.error().message;
}

}  // namespace
}  // namespace penstock::testing
