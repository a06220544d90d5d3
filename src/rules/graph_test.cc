// SPDX-License-Identifier: MIT
#include "rules/graph.h"

#include <gtest/gtest.h>

namespace penstock::rules {
namespace {

// Edges as "a-action>b"; the first node is the start unless `start` says otherwise.
std::shared_ptr<FlowDefinition> flow_of(std::vector<std::string> nodes,
                                        const std::vector<std::string>& edges,
                                        std::string start = {}) {
  auto definition = std::make_shared<FlowDefinition>();
  definition->flow = "f";
  definition->start = std::move(start);
  for (std::string& name : nodes) definition->nodes.push_back({.name = name, .task = "t"});
  for (const std::string& edge : edges) {
    const auto minus = edge.find('-'), arrow = edge.find('>');
    for (FlowNode& node : definition->nodes) {
      if (node.name != edge.substr(0, minus)) continue;
      node.next.push_back(
          {.action = edge.substr(minus + 1, arrow - minus - 1), .target = edge.substr(arrow + 1)});
    }
  }
  return definition;
}

std::string problems_of(std::shared_ptr<FlowDefinition> definition) {
  std::vector<FlowProblem> problems;
  const auto graph = Graph::compile(std::move(definition), problems);
  EXPECT_EQ(graph == nullptr, !problems.empty());
  std::string text;
  for (const FlowProblem& problem : problems) text += problem.node + ": " + problem.text + '\n';
  return text;
}

void expect_problem(std::shared_ptr<FlowDefinition> definition, std::string_view text) {
  const std::string all = problems_of(std::move(definition));
  EXPECT_NE(all.find(text), std::string::npos) << "found: " << all;
}

TEST(Graph, TheStartIsTheOneNodeWithoutInput) {
  std::vector<FlowProblem> problems;
  const auto graph =
      Graph::compile(flow_of({"b", "a", "c"}, {"a-default>b", "b-default>c"}), problems);
  ASSERT_TRUE(graph);
  EXPECT_EQ(graph->start(), graph->find("a"));
}

TEST(Graph, BackEdgesLeadToAncestorsAndMakeLoops) {
  std::vector<FlowProblem> problems;
  const auto graph = Graph::compile(
      flow_of({"a", "b", "c", "d"}, {"a-x>b", "b-x>c", "c-again>b", "b-self>b", "c-out>d"}),
      problems);
  ASSERT_TRUE(graph);
  const int b = graph->find("b"), c = graph->find("c");
  EXPECT_TRUE(graph->is_header(b));
  EXPECT_EQ(graph->nodes()[c].loops, (std::vector{b}));
  EXPECT_TRUE(graph->nodes()[graph->find("d")].loops.empty());
  EXPECT_EQ(graph->exits_of(b).size(), 1U);
  int back = 0;
  for (const Graph::Edge& edge : graph->edges()) back += edge.back ? 1 : 0;
  EXPECT_EQ(back, 2);
}

TEST(Graph, LoopsNestOutermostFirst) {
  std::vector<FlowProblem> problems;
  const auto graph = Graph::compile(
      flow_of({"a", "b", "c", "d"}, {"a-x>b", "b-x>c", "c-in>b", "c-x>d", "d-out>a"}, "a"),
      problems);
  ASSERT_TRUE(graph) << problems[0].text;
  const int a = graph->find("a"), b = graph->find("b");
  EXPECT_EQ(graph->nodes()[graph->find("c")].loops, (std::vector{a, b}));
  EXPECT_EQ(graph->nodes()[graph->find("d")].loops, (std::vector{a}));
}

TEST(Graph, EveryMistakeIsFoundWithItsNode) {
  expect_problem(flow_of({}, {}), "the flow has no nodes");
  expect_problem(flow_of({"a", "a"}, {}), "a: there are two nodes of this name");
  expect_problem(flow_of({"a", "b"}, {}), "2 nodes have no input (a, b)");
  expect_problem(flow_of({"a"}, {"a-x>b"}), "a: next.x leads to \"b\", which is no node");
  expect_problem(flow_of({"a", "b"}, {"a-x>b", "b-x>a"}), "every node has an input");
  expect_problem(flow_of({"a", "b", "c"}, {"b-x>c", "c-x>b"}, "a"), "b: nothing leads to it");
  expect_problem(flow_of({"end"}, {}), "a node cannot be called end");
  expect_problem(flow_of({"a/b"}, {}), "has no slash");
  expect_problem(flow_of({"a", "b"}, {"a-x>b"}, "z"), "start \"z\" is no node");
  expect_problem(flow_of({"a", "b", "c"}, {"a-x>b", "a-y>c", "b-x>c", "c-x>b"}),
                 "can also be entered");
}

TEST(Graph, MistakesInAFlowInsideNameTheirWay) {
  auto outer = flow_of({"a"}, {});
  outer->nodes[0].kind = FlowNode::Kind::flow;
  outer->nodes[0].body = flow_of({"x", "y"}, {});
  expect_problem(outer, "a: 2 nodes have no input (x, y)");
  outer->nodes[0].body = flow_of({"x"}, {"x-q>z"});
  expect_problem(outer, "a/x: next.q leads to \"z\"");
}

TEST(Graph, LoopsThatBranchAreBoundedByTheNodesOfTheFlow) {
  std::vector<std::string> nodes, edges;
  for (int i = 0; i < 2000; ++i) {
    const std::string n = std::to_string(i), h = "h" + n, t = "t" + n, s = "s" + n;
    nodes.insert(nodes.end(), {h, t, s});
    edges.insert(edges.end(), {h + "-go>" + t, t + "-again>" + h, t + "-again>" + s});
    if (i < 1999) edges.push_back(t + "-done>h" + std::to_string(i + 1));
  }
  expect_problem(flow_of(nodes, edges, "h0"), "2000 loops lead on by several edges of one action");
}

TEST(Graph, GroupsAndPlacesAreChecked) {
  auto flow = flow_of({"a", "b"}, {"a-x>b"});
  flow->groups.push_back({.name = "g",
                          .members = {"b", "nobody"},
                          .policy = {.kind = GroupPolicy::Kind::at_least, .need = 5}});
  expect_problem(flow, "group g names \"nobody\", which is no node of this flow");
  expect_problem(flow, "group g needs 5 of 1 member");
  auto local = flow_of({"a", "b"}, {"a-x>b"});
  local->nodes[0].local = true;
  expect_problem(local, "a: a local node follows exactly one other");
  auto nested = flow_of({"a"}, {});
  nested->nodes[0].when = "$.input ==";
  nested->nodes[0].with = "{";
  expect_problem(nested, "a: when: a value was expected");
  expect_problem(nested, "a: with: ");
}

TEST(Graph, ItemsOfAMapHaveNoNamesThatCouldBeCritical) {
  auto flow = flow_of({"a"}, {});
  flow->nodes[0].map = NodeMap{.over = "$.input",
                               .policy = {.kind = GroupPolicy::Kind::critical, .critical = {"x"}}};
  expect_problem(flow, "a: critical is for groups");
}

TEST(Definition, ComesBackAsItWasWritten) {
  auto definition = flow_of({"a", "b", "g", "f"}, {"a-x>b", "b-y>g", "g-z>f"});
  definition->limits = {.max_steps = 5,
                        .max_visits = 2,
                        .max_cycles = 3,
                        .timeout = Duration{1000},
                        .fail_on_missing = true};
  FlowNode& a = definition->nodes[0];
  a.pool = "gpu";
  a.own.max_attempts = 7;
  a.with = R"({"x":"$.input"})";
  a.map =
      NodeMap{.over = "$.input", .parallel = 4, .policy = {.kind = GroupPolicy::Kind::best_effort}};
  definition->nodes[2].kind = FlowNode::Kind::gate;
  definition->nodes[2].gate =
      Gate{.ask = Gate::Ask::selection, .prompt = "?", .choices = {"1"}, .deadline = Duration{5}};
  definition->nodes[3].kind = FlowNode::Kind::flow;
  definition->nodes[3].body = flow_of({"x"}, {});
  definition->groups.push_back({.name = "g", .members = {"a"}});
  const std::string text = write_definition(*definition);
  const auto again = read_definition(text);
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(write_definition(*again), text);
  EXPECT_EQ(again->nodes[0].own.max_attempts, 7);
  EXPECT_EQ(again->nodes[2].gate, definition->nodes[2].gate);
  EXPECT_EQ(content_hash(text).size(), 32U);
  EXPECT_NE(content_hash(text), content_hash(text + " "));
  EXPECT_FALSE(read_definition("{}"));
  EXPECT_FALSE(read_definition("[1,"));
}

}  // namespace
}  // namespace penstock::rules
