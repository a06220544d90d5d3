// SPDX-License-Identifier: MIT
//
// Large flows: a map over 100,000 items, a loop of 100,000 turns, random graphs of 10,000 nodes
// whose order a topological checker accepts. On Redis a tenth of it.
#include "tests/flows/flow_fixture.h"

#include <random>
#include <set>

namespace penstock::testing {
namespace {

class Scale : public FlowTest {
 protected:
  [[nodiscard]] int scaled(int n) const { return GetParam() == StoreKind::redis ? n / 10 : n; }
  Run end(const Flow& flow, const json& input) {
    work({flow}, {.concurrency = 4});
    id_ = client_.run(flow, input).value();
    return client_.wait_run(id_, std::chrono::minutes(4)).value();
  }
};
INSTANTIATE_TEST_SUITE_P(Stores, Scale, ::testing::ValuesIn(flow_stores()), flow_store_name);

TEST_P(Scale, AMapOverManyItemsJoinsOnceWithAllResultsInOrder) {
  Flow flow("map");
  auto list = flow.task("list",
                        [](int n) {
                          json items = json::array();
                          for (int i = 0; i < n; ++i) items.push_back(i);
                          return items;
                        },
                        {"n"});
  auto each =
      flow.map("each", "$.nodes.list.result", [](int i) { return i + 1; }, {.parallel = 300});
  auto join = flow.task("join",
                        [this](const std::vector<int>& all) {
                          trace_.add("join");
                          for (std::size_t i = 0; i < all.size(); ++i) {
                            if (all[i] != static_cast<int>(i) + 1) throw NoRetry("out of order");
                          }
                          return all.size();
                        },
                        {"each"});
  list >> each >> join;
  const int n = scaled(100'000);
  const Run ended = end(flow, {{"n", n}});
  EXPECT_EQ(ended.state, "succeeded") << ended.error;
  EXPECT_EQ(ended.output, std::to_string(n));
  EXPECT_EQ(trace_.count("join"), 1);
}

TEST_P(Scale, ALoopOfManyTurnsComesToItsEnd) {
  const int turns = scaled(100'000);
  Flow flow("turns", {.max_steps = turns + 10});
  struct Turn : Node {
    std::string post(Shared& shared, const json&, const json&) override {
      shared.add("turns", 1);
      return shared.get_or("turns", 0) < shared.at("most").get<int>() ? "again" : "done";
    }
  };
  auto turn = flow.node("turn", Turn{});
  turn.on("again") >> turn;
  flow.start(turn);
  const Run ended = end(flow, {{"most", turns}});
  EXPECT_EQ(ended.state, "succeeded") << ended.error;
  EXPECT_EQ(shared("turns"), turns);
}

TEST_P(Scale, ARandomGraphRunsInAnOrderThatItsEdgesAllow) {
  const int count = scaled(10'000);
  std::mt19937 dice(7);
  Flow flow("random", {.max_steps = count + 10});
  std::vector<Nodes> nodes;
  std::vector<std::set<int>> parents(static_cast<std::size_t>(count));
  std::mutex mutex;
  std::vector<int> order;
  for (int i = 0; i < count; ++i) {
    nodes.push_back(flow.task("n" + std::to_string(i), [i, &mutex, &order] {
      const std::lock_guard lock(mutex);
      order.push_back(i);
    }));
    if (i == 0) continue;
    const int edges = 1 + static_cast<int>(dice() % 3);
    for (int e = 0; e < edges; ++e) {
      const int from = static_cast<int>(dice() % static_cast<unsigned>(i));
      if (parents[static_cast<std::size_t>(i)].insert(from).second) {
        nodes[static_cast<std::size_t>(from)] >> nodes[static_cast<std::size_t>(i)];
      }
    }
  }
  const Run ended = end(flow, json::object());
  EXPECT_EQ(ended.state, "succeeded") << ended.error;
  stop();
  ASSERT_EQ(order.size(), static_cast<std::size_t>(count));
  std::vector<int> place(static_cast<std::size_t>(count), -1);
  for (std::size_t i = 0; i < order.size(); ++i)
    place[static_cast<std::size_t>(order[i])] = static_cast<int>(i);
  for (std::size_t i = 0; i < parents.size(); ++i) {
    for (const int from : parents[i]) {
      ASSERT_LT(place[static_cast<std::size_t>(from)], place[i]) << from << " before " << i;
    }
  }
}

}  // namespace
}  // namespace penstock::testing
