// SPDX-License-Identifier: MIT
//
// Two workers end the items of one map, each on what it last knew, in batches of which some are
// refused and some lost: whatever they believe, every item is opened and the map ends once. The
// store here is a map of fields that compares and applies, and nothing else.
#include "rules/advance.h"

#include <penstock/flow.h>

#include <gtest/gtest.h>

#include <random>

namespace penstock::rules {
namespace {

constexpr int items = 60, window = 24;

PinnedGraph map_of_items() {
  Flow flow("counting");
  auto each = flow.map("each", "$.input", [](int n) { return n; }, {.parallel = window});
  each >> flow.task("after", [] {});
  auto definition = read_definition(flow.definition().value()).value();
  std::vector<FlowProblem> problems;
  return {.graph = Graph::compile(std::make_shared<const FlowDefinition>(std::move(definition)),
                                  problems),
          .hash = "h"};
}

class Fields {
 public:
  // Nothing when it was applied.
  std::optional<RunConflict> apply(const RunChange& change) {
    RunConflict conflict{.run = change.run};
    for (const RunField& field : change.expect) {
      if (at(field.name) != field.value) conflict.actual.push_back({field.name, at(field.name)});
    }
    auto after = fields_;
    for (const RunField& field : change.set) put(after, field.name, field.value);
    for (const RunAdd& add : change.add) {
      const auto known = after.contains(add.name) ? std::optional(after[add.name]) : std::nullopt;
      const auto sum = sum_of(known, add);
      if (!sum) conflict.actual.push_back({add.name, known});
      if (sum) after[add.name] = *sum;
    }
    if (!conflict.actual.empty()) return conflict;
    for (const RunJob& job : change.jobs) after[job.field] = job.prefix + "job";
    fields_ = std::move(after);
    return std::nullopt;
  }
  [[nodiscard]] std::optional<std::string> at(const std::string& name) const {
    const auto found = fields_.find(name);
    return found == fields_.end() ? std::nullopt : std::optional(found->second);
  }
  [[nodiscard]] std::vector<Place> open_items() const {
    std::vector<Place> open;
    for (const auto& [name, value] : fields_) {
      const auto step = read_open_step({.name = name, .value = value});
      if (step && step->phase == Phase::item) open.push_back(step->place);
    }
    return open;
  }

 private:
  static void put(std::map<std::string, std::string>& into, const std::string& name,
                  const std::optional<std::string>& value) {
    if (value) into[name] = *value;
    if (!value) into.erase(name);
  }
  std::map<std::string, std::string> fields_ = {};
};

class Counting : public ::testing::TestWithParam<unsigned> {
 protected:
  RunChange decide(const NodeReport& report, const RunFacts& facts) {
    RunEdit edit("r", facts);
    const EditOf none = [&](const std::string&) -> RunEdit& { return edit; };
    end_node(graph_, report, {.now = Time{}}, edit, none);
    return edit.take();
  }
  void begin() {
    const RunFacts nothing;
    RunEdit edit("r", nothing);
    start_run(graph_, {.definition = "h"}, {.now = Time{}}, edit);
    ASSERT_FALSE(store_.apply(edit.take()));
    RunFacts facts;
    facts.learn("state", std::string("running"));
    facts.learn("l:", store_.at("l:"));
    const NodeReport main{.place = {{.node = "each"}}, .items = items, .stage = "s"};
    ASSERT_FALSE(store_.apply(decide(main, facts)));
  }
  // Sends a batch of decisions, as a worker's pump does.
  void send(const std::vector<Place>& places, RunFacts& facts) {
    std::vector<RunChange> changes;
    for (const Place& place : places) {
      changes.push_back(decide({.place = place, .phase = Phase::item, .result = "1"}, facts));
      facts.assume(changes.back());
    }
    if (dice_() % 2 == 0) return;  // The call was lost: what it assumed is not so.
    std::map<std::size_t, RunConflict> refused;
    for (std::size_t i = 0; i < changes.size(); ++i) {
      if (auto conflict = store_.apply(changes[i])) refused.emplace(i, *std::move(conflict));
    }
    for (auto it = refused.rbegin(); it != refused.rend(); ++it)
      facts.take_back(changes[it->first]);
    for (const auto& [i, conflict] : refused) facts.learn(conflict);
  }

  const PinnedGraph graph_ = map_of_items();
  Fields store_;
  std::mt19937 dice_{GetParam()};
};

TEST_P(Counting, EveryItemIsOpenedWhateverTheWorkersBelieve) {
  begin();
  RunFacts workers[2];
  std::vector<Place> open;
  int calls = 0;
  for (; !(open = store_.open_items()).empty() && calls < 2000; ++calls) {
    std::shuffle(open.begin(), open.end(), dice_);
    open.resize(std::min<std::size_t>(open.size(), 1 + dice_() % 7));
    send(open, workers[dice_() % 2]);
  }
  EXPECT_LT(calls, 2000) << "decisions that are refused for ever";
  EXPECT_EQ(store_.at("m:each#1"), std::nullopt)
      << "ended " << store_.at("md:each#1").value_or("?");
  EXPECT_TRUE(store_.at("j:after#1"));
  EXPECT_EQ(store_.at("steps"), "2");
  for (int i = 0; i < items; ++i) EXPECT_TRUE(store_.at("mr:each#1:" + std::to_string(i))) << i;
}

INSTANTIATE_TEST_SUITE_P(Seeds, Counting, ::testing::Range(1U, 41U));

}  // namespace
}  // namespace penstock::rules
