// SPDX-License-Identifier: MIT
//
// Batches: exec for each item of what prep returns, and flows for each set of parameters.
#include "tests/flows/flow_fixture.h"
#include "tests/flows/three_steps.h"

namespace penstock::testing {
namespace {

using Batch = FlowTest;
INSTANTIATE_TEST_SUITE_P(Stores, Batch, ::testing::ValuesIn(flow_stores()), flow_store_name);

struct WritingBatch : BatchNode {
  json prep(Shared& shared) override {
    shared.set("set", 1);
    shared.add("sum", 2);
    shared.append("list", 3);
    return json{1, 2};
  }
  json exec(const json& item) override { return item; }
  std::string post(Shared& shared, const json&, const json&) override {
    shared.set("seen", json{shared.at("set"), shared.at("sum"), shared.at("list")});
    return "default";
  }
};

struct Squares : BatchNode {
  json prep(Shared& shared) override { return shared.at("numbers"); }
  json exec(const json& number) override {
    if (number == 13) throw std::runtime_error("unlucky");
    return number.get<int>() * number.get<int>();
  }
  json exec_fallback(const json&, std::exception_ptr) override { return -1; }
  std::string post(Shared& shared, const json&, const json& results) override {
    shared.set("squares", results);
    return "done";
  }
};

TEST_P(Batch, ABatchNodeRunsExecForEachItemAndKeepsTheOrder) {
  Flow flow("batch");
  flow.node("squares", Squares{}, {.max_attempts = 1});
  EXPECT_EQ(run(flow, {{"numbers", {3, 13, 5}}}).state, "succeeded");
  EXPECT_EQ(shared("squares"), json({9, -1, 25}));
  EXPECT_EQ(run(flow, {{"numbers", json::array()}}).state, "succeeded");
  EXPECT_EQ(shared("squares"), json::array());
}

TEST_P(Batch, AParallelBatchRunsAtMostSoManyItemsAtOnce) {
  struct Counting : BatchNode {
    std::shared_ptr<std::atomic<int>> now = std::make_shared<std::atomic<int>>(0),
                                      most = std::make_shared<std::atomic<int>>(0);
    json prep(Shared&) override { return json(std::vector<int>(20, 1)); }
    json exec(const json& one) override {
      const int live = ++*now;
      int seen = most->load();
      while (live > seen && !most->compare_exchange_weak(seen, live)) {
      }
      --*now;
      return one;
    }
  };
  Flow flow("parallel");
  const Counting counting;
  flow.parallel_batch("items", counting, {.parallel = 2}, {});
  EXPECT_EQ(run(flow).state, "succeeded");
  EXPECT_LE(counting.most->load(), 2);
}

TEST_P(Batch, ABatchFlowRunsOncePerSetOfParametersOverThoseOfItsNodes) {
  Flow inner("pass");
  inner.node("note", acting([](Shared& shared) {
               shared.append("names", shared.params().at("name").get<std::string>() +
                                          shared.params().at("mark").get<std::string>());
               return "default";
             }),
             {.params = {{"name", "node"}, {"mark", "!"}}});
  Flow outer("passes");
  outer.batch_flow("each", inner, [](Shared&) {
    return json::array({{{"name", "a"}}, {{"name", "b"}}, {{"name", "c"}}});
  });
  const Run ended = run(outer);
  EXPECT_EQ(ended.state, "succeeded") << ended.error;
  EXPECT_EQ(shared("names"), json({"a!", "b!", "c!"}));
}

TEST_P(Batch, SetsOfABatchFlowAreObjects) {
  Flow inner("inner");
  inner.task("x", [] {});
  Flow flow("sets");
  flow.batch_flow("all", inner, [](Shared&) { return json{1, 2}; });
  const Run ended = run(flow);
  EXPECT_NE(ended.error.find("have to be objects, and one is 1"), std::string::npos) << ended.error;
}

TEST_P(Batch, WhatThePrepOfABatchWritesIsKept) {
  Flow inner("inner");
  inner.task("x", [] {});
  Flow flow("batches");
  flow.parallel_batch("batch", WritingBatch{}, {.parallel = 2}) >>
      flow.batch_flow("sets", inner, [](Shared& shared) {
        shared.set("by sets", true);
        return json::array({json::object()});
      });
  EXPECT_EQ(run(flow).state, "succeeded");
  EXPECT_EQ(shared("seen"), json::parse("[1,2,[3]]"));
  EXPECT_EQ(shared("by sets"), true);
}

TEST_P(Batch, ThePrepOfABatchCanEndItsRunAndItsPostWithTheResults) {
  struct Ends : BatchNode {
    std::string how = {};
    json prep(Shared& shared) override {
      if (how == "cancel") shared.cancel("enough");
      if (how == "terminate") shared.terminate("enough");
      if (how == "next") shared.next_task("other");
      return {1, 2};
    }
    json exec(const json& item) override { return item; }
    std::string post(Shared& shared, const json&, const json&) override {
      if (how == "post") shared.terminate("enough");
      return "default";
    }
  };
  const std::map<std::string, std::string> endings = {{"cancel", "cancelled"},
                                                      {"terminate", "succeeded"},
                                                      {"next", "failed"},
                                                      {"post", "succeeded"}};
  for (const auto& [how, state] : endings) {
    Flow flow("ends-" + how);
    Ends ends;
    ends.how = how;
    flow.node("batch", ends) >> flow.task("other", [this] { trace_.add("other"); });
    work({flow});
    const Run ended = run(flow);
    EXPECT_EQ(ended.state, state) << how << ended.error;
    if (how == "post") {
      EXPECT_EQ(ended.output, "[1,2]");
    }
  }
  EXPECT_EQ(trace_.joined(), "");
}

TEST_P(Batch, ABatchThatEndsItsFlowHasItsResultsForTheOutput) {
  struct Doubles : BatchNode {
    json prep(Shared&) override { return json({1, 2, 3}); }
    json exec(const json& item) override { return 2 * item.get<int>(); }
    std::string post(Shared&, const json&, const json& all) override {
      return all == json({2, 4, 6}) ? "good" : "bad";
    }
  };
  Flow flow("doubles");
  auto doubles = flow.node("doubles", Doubles{});
  doubles.on("bad") >> flow.task("never", [] { return 0; });
  EXPECT_EQ(run(flow).output, "[2,4,6]");
}

}  // namespace
}  // namespace penstock::testing
