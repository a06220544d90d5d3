// SPDX-License-Identifier: MIT
//
// Maps: one node for each item of a list that is known only at run time.
#include "tests/flows/flow_fixture.h"

#include <future>
#include <regex>

namespace penstock::testing {
namespace {

using MapTest = FlowTest;
INSTANTIATE_TEST_SUITE_P(Stores, MapTest, ::testing::ValuesIn(flow_stores()), flow_store_name);

TEST_P(MapTest, AMapRunsOverAListOfAnyLengthAndKeepsItsOrder) {
  for (const int n : {0, 1, 7, 700}) {
    Flow flow("maps");
    auto list = flow.task("list", [n] {
      json numbers = json::array();
      for (int i = 0; i < n; ++i) numbers.push_back(i);
      return numbers;
    });
    auto twice =
        flow.map("twice", "$.nodes.list.result", [](int i) { return 2 * i; }, {.parallel = 40});
    auto sum = flow.task("sum",
                         [](const std::vector<int>& all) {
                           for (std::size_t i = 0; i < all.size(); ++i) {
                             if (all[i] != static_cast<int>(2 * i)) throw NoRetry("out of order");
                           }
                           return all.size();
                         },
                         {"twice"});
    list >> twice >> sum;
    work({flow});
    const Run ended = run(flow);
    EXPECT_EQ(ended.state, "succeeded") << ended.error;
    EXPECT_EQ(ended.output, std::to_string(n));
  }
}

TEST_P(MapTest, AMapThatEndsItsFlowHasTheListForItsOutput) {
  Flow inner("squares");
  inner.map("each", "$.input.list", [](int n) { return n * n; });
  Flow outer("around");
  auto calls = outer.run("calls", inner, {{"list", "$.input.list"}});
  calls >> outer.task("after", [](const json& list) { return list; }, {"calls"});
  work({inner, outer});
  EXPECT_EQ(run(inner, {{"list", {3, 1, 2}}}).output, "[9,1,4]");
  EXPECT_EQ(node("each").items, 3);
  EXPECT_EQ(run(inner, {{"list", json::array()}}).output, "[]");
  EXPECT_EQ(run(outer, {{"list", {3, 1, 2}}}).output, "[9,1,4]");
}

TEST_P(MapTest, AListTooLongForAResultLeavesTheMarkOfTheMap) {
  Flow flow("long");
  flow.map("each", "$.input.list", [](int) { return std::string(300'000, 'x'); });
  const Run ended = run(flow, {{"list", {1, 2, 3, 4}}});
  EXPECT_EQ(ended.state, "succeeded") << ended.error;
  EXPECT_EQ(ended.output, R"({"$map":"each#1","items":4,"items_failed":0})");
}

TEST_P(MapTest, AFlowForEachItemHasTheOutputOfEachPass) {
  Flow inner("pass");
  auto a = inner.task("a", [](Shared& shared) { return shared.params().at("n").get<int>() + 1; });
  a >> inner.task("b", [](int n) { return 10 * n; }, {"a"});
  Flow outer("passes");
  auto each = outer.batch_flow("each", inner, [](Shared&) {
    return json::array({{{"n", 1}}, {{"n", 2}}, {{"n", 3}}});
  });
  each >> outer.task("all", [](const json& list) { return list; }, {"each"});
  EXPECT_EQ(run(outer).output, "[20,30,40]");
}

TEST_P(MapTest, AMapStartsARunOrAJobForEachItem) {
  tasks_.add("half", [](const json& item) { return item.at("n").get<int>() / 2; });
  Flow inner("inner");
  inner.task("double", [](int n) { return 2 * n; }, {"n"});
  Flow outer("outer");
  auto runs = outer.map_runs("runs", "$.input.list", inner, nullptr, {.parallel = 2});
  auto jobs = outer.map_jobs("jobs", "$.nodes.runs.result", "half", {{"n", "$.item"}});
  runs >> jobs;
  EXPECT_EQ(run(outer, {{"list", {{{"n", 4}}, {{"n", 2}}, {{"n", 9}}}}}).output, "[4,2,9]");
  EXPECT_EQ(client_.list_runs().value().items.size(), 4U);
}

TEST_P(MapTest, AMapsPolicyJudgesItsItems) {
  const auto map_of = [](const Policy& policy) {
    Flow flow("judged");
    auto list = flow.task("list", [] { return json({1, 2, 3, 4}); });
    auto odd = flow.map("odd", "$.nodes.list.result",
                        [](int i) {
                          if (i % 2 == 0) throw NoRetry("even");
                          return i;
                        },
                        {.policy = policy});
    list >> odd >> flow.task("all", [](const json& results) { return results; }, {"odd"});
    return flow;
  };
  const Flow best = map_of(Policy::best_effort());
  work({best});
  EXPECT_EQ(run(best).output, "[1,null,3,null]");
  const Flow strict = map_of(Policy::strict());
  work({strict});
  const std::string why = run(strict).error;
  EXPECT_TRUE(std::regex_search(why, std::regex("item [13] of odd failed: even$"))) << why;
  const Flow enough = map_of(Policy::at_least(2));
  work({enough});
  EXPECT_EQ(run(enough).state, "succeeded");
  const Flow more = map_of(Policy::at_least(3));
  work({more});
  EXPECT_EQ(run(more).state, "failed");
}

TEST_P(MapTest, ItemsThatSucceedWithARetryAreNoLongerShownAsFailed) {
  std::atomic<bool> broken{true};
  Flow flow("mends");
  auto list = flow.task("list", [] { return json({1, 2}); });
  list >> flow.map("each", "$.nodes.list.result", [&broken](int i) {
    if (broken) throw NoRetry("broken");
    return i;
  });
  EXPECT_EQ(run(flow).state, "failed");
  EXPECT_EQ(node("each[0]").state, "failed");
  broken = false;
  client_.retry_run(id_).value();
  EXPECT_EQ(wait(id_).output, "[1,2]");
  EXPECT_EQ(node("each[0]").state, "");
}

TEST_P(MapTest, AWindowThatIsWiderThanAStepIsWalkedToItsEnd) {
  for (const auto& [parallel, items] : {std::pair(1700, 1700), std::pair(5000, 300)}) {
    Flow flow("wide");
    auto list = flow.task("list", [items] { return std::vector<int>(items, 1); });
    list >>
        flow.map("each", "$.nodes.list.result", [](int i) { return i; }, {.parallel = parallel}) >>
        flow.task("sum", [](const std::vector<int>& ones) { return ones.size(); }, {"each"});
    work({flow});
    EXPECT_EQ(run(flow).output, std::to_string(items));
  }
}

TEST_P(MapTest, ItemsThatRunAreShownWithTheirWorkerUntilTheyHaveEnded) {
  std::promise<void> go;
  const auto gone = go.get_future().share();
  Flow flow("shows");
  auto list = flow.task("list", [] { return std::vector<int>(10, 1); });
  list >> flow.map("each", "$.nodes.list.result", [gone](int) { gone.wait(); });
  work({flow}, {.concurrency = 1});
  id_ = client_.run(flow, json::object()).value();
  await(id_, "each[0]", "running");
  EXPECT_EQ(node("each[0]").worker, node("list").worker);
  EXPECT_EQ(node("each").items, 10);
  go.set_value();
  EXPECT_EQ(wait(id_).state, "succeeded");
  EXPECT_EQ(node("each[0]").state, "");
}

TEST_P(MapTest, AnItemThatIsNullIsNull) {
  tasks_.add("echo", [](const json& item) { return item; });
  Flow flow("nulls");
  auto list = flow.task("list", [] { return json({1, nullptr, 2}); });
  auto each = flow.map("each", "$.nodes.list.result", [](const json& item) { return item; });
  list >> each >> flow.task("all", [](const json& results) { return results; }, {"each"});
  EXPECT_EQ(run(flow, {{"x", 1}}).output, "[1,null,2]");
}

TEST_P(MapTest, AnItemOfAMapCannotAskForOtherSteps) {
  Flow flow("items");
  auto list = flow.task("list", [] { return json({1, 2}); });
  list >> flow.map("each", "$.nodes.list.result", [](int, Shared& shared) {
    shared.next_iteration(1);
    return 1;
  });
  const Run ended = run(flow);
  EXPECT_EQ(ended.state, "failed");
  EXPECT_NE(ended.error.find("an item of a map"), std::string::npos) << ended.error;
}

TEST_P(MapTest, AResultThatLooksLikeAMapsIsTheResult) {
  const json odd = {{"$map", "a#1"}, {"items", 900'000'000}};
  Flow flow("odd");
  auto a = flow.task("a", [odd] { return odd; });
  a >> flow.task("b", [](const json& value) { return value; }, {"a"});
  EXPECT_EQ(run(flow).output, odd.dump());
}

}  // namespace
}  // namespace penstock::testing
