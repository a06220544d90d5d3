// SPDX-License-Identifier: MIT
#include "rules/flow_check.h"

#include <gtest/gtest.h>

namespace penstock::rules {
namespace {

FlowNode task(std::string name) { return {.name = std::move(name), .task = "t"}; }

FlowDefinition flow_of(std::vector<FlowNode> nodes) {
  return {.flow = "f", .nodes = std::move(nodes)};
}

std::string told(const FlowDefinition& flow) {
  std::vector<FlowProblem> problems;
  check_flow(flow, problems);
  std::string text;
  for (const FlowProblem& one : problems) text += one.node + ": " + one.text + '\n';
  return text;
}

FlowNode holding(std::string name, FlowNode::Kind kind, FlowDefinition body) {
  FlowNode node{.name = std::move(name), .kind = kind};
  node.body = std::make_shared<const FlowDefinition>(std::move(body));
  return node;
}

TEST(FlowCheck, APathToANodeThatDoesNotExistIsAMistakeWhereverItStands) {
  FlowNode each = task("each");
  each.with = R"({"ok":["$.nodes.extract.result"],"bad":[{"x":"$.nodes.extarct.error.why"}]})";
  each.when = "$.input.go and $.nodes.nobody.result == 1";
  each.map = NodeMap{.over = "$.nodes.each_one.result"};
  each.undo_task = "u";
  each.undo_with = R"("$.nodes.gone.result")";
  EXPECT_EQ(told(flow_of({task("extract"), each})),
            "each: when: there is no node \"nobody\" in this flow (column 16)\n"
            "each: map.over: there is no node \"each_one\" in this flow\n"
            "each: with: $.nodes.extarct.error.why: there is no node \"extarct\" (extract?) in "
            "this flow\n"
            "each: undo.with: $.nodes.gone.result: there is no node \"gone\" in this flow\n");
}

TEST(FlowCheck, AFindingNamesThePartAndThePath) {
  FlowNode node = task("a");
  node.with = R"({"x":"$.nodes.b.result"})";
  std::vector<FlowProblem> problems;
  check_flow(flow_of({node}), problems);
  ASSERT_EQ(problems.size(), 1U);
  EXPECT_EQ(problems[0].part, "with");
  EXPECT_EQ(problems[0].value, "$.nodes.b.result");
}

TEST(FlowCheck, AnItemIsThereInTheWithOfAMapAlone) {
  FlowNode plain = task("plain"), mapped = task("mapped");
  plain.with = R"("$.item.x")";
  mapped.map = NodeMap{.over = "$.item"};
  mapped.with = R"({"x":"$.item.x"})";
  mapped.when = "$.item == 1";
  mapped.undo_with = R"(["$.item"])";
  const std::string why = "$.item is only there in the with of a node that has a map";
  EXPECT_EQ(told(flow_of({plain, mapped})), "plain: with: $.item.x: " + why + "\nmapped: when: " +
                                                why + " (column 1)\nmapped: map.over: " + why +
                                                "\nmapped: undo.with: $.item: " + why + "\n");
}

// As the worker looks for them: a flow inside reads results around it, a run inside nothing.
TEST(FlowCheck, AFlowInsideSeesTheResultsAroundItAndARunInsideDoesNot) {
  FlowNode inner = task("inner");
  inner.with = R"({"result":"$.nodes.outer.result","error":"$.nodes.outer.error"})";
  const FlowNode outer = task("outer");
  EXPECT_EQ(told(flow_of({outer, holding("in", FlowNode::Kind::flow, flow_of({inner}))})),
            "in/inner: with: $.nodes.outer.error: \"outer\" is a node of the flow around this one: "
            "only its result can be read here\n");
  inner.with = R"("$.nodes.outer.result")";
  EXPECT_EQ(told(flow_of({outer, holding("in", FlowNode::Kind::child, flow_of({inner}))})),
            "in/inner: with: $.nodes.outer.result: \"outer\" is a node of the run around this one: "
            "hand its result on in the with of the node that holds this flow\n");
}

TEST(FlowCheck, WhatCannotBeKnownBeforeIsNoMistake) {
  FlowNode node = task("a");
  node.with =
      R"(["$.input.x","$.shared.nobody","$.params.p","$$.nodes.b.result","$.nodes.a.error"])";
  node.when = "$.nodes.a.result.not.there[3] != null";
  EXPECT_EQ(told(flow_of({node})), "");
}

FlowNode gate(Gate gate, const std::vector<std::string>& actions) {
  FlowNode node{.name = "g", .kind = FlowNode::Kind::gate};
  node.gate = std::move(gate);
  for (const std::string& action : actions) node.next.push_back({.action = action});
  return node;
}

using Ask = Gate::Ask;

TEST(FlowCheck, AnActionThatAGateNeverGivesIsAMistake) {
  const std::optional<Duration> soon = Duration{1000};
  EXPECT_EQ(told(flow_of({gate({.ask = Ask::text}, {"approved", "default", "approved"})})),
            "g: next.approved can never come: a gate that asks for text ends with default\n");
  EXPECT_EQ(told(flow_of({gate({.ask = Ask::timer, .deadline = soon}, {"timed_out"})})),
            "g: next.timed_out can never come: a timer ends with default\n");
  EXPECT_EQ(told(flow_of({gate({.deadline = soon}, {"aproved", "default"})})),
            "g: next.aproved (approved?) can never come: a gate that asks for approval ends with "
            "approved, rejected or timed_out\n"
            "g: next.default can never come: a gate that asks for approval ends with approved, "
            "rejected or timed_out\n");
  EXPECT_EQ(told(flow_of({gate({.ask = Ask::approval}, {"timed_out"})})),
            "g: next.timed_out can never come: a gate that asks for approval ends with approved or "
            "rejected, and has no deadline\n");
  EXPECT_EQ(told(flow_of({gate({.ask = Ask::selections, .choices = {"a"}}, {"a"})})),
            "g: next.a can never come: a gate that asks for selections ends with default\n");
  EXPECT_EQ(told(flow_of({gate({.ask = Ask::selection, .choices = {"small", "large"}}, {"smal"})})),
            "g: next.smal (small?) can never come: a gate that asks for selection ends with small, "
            "large or default\n");
}

TEST(FlowCheck, AnActionThatAGateMayGiveIsNone) {
  const std::optional<Duration> soon = Duration{1000};
  for (const FlowNode& node :
       {gate({.deadline = soon}, {"approved", "rejected", "timed_out"}),
        gate({.ask = Ask::text, .deadline = soon}, {"default", "timed_out"}),
        gate({.ask = Ask::selection, .choices = {"a", "b"}}, {"a", "default"}),
        gate({.ask = Ask::selections, .choices = {"a"}, .deadline = soon},
             {"default", "timed_out"}),
        gate({.ask = Ask::timer, .deadline = soon}, {"default"}),
        gate({.ask = Ask::custom}, {"anything"}), gate({.ask = Ask::event}, {"anything"})}) {
    EXPECT_EQ(told(flow_of({node})), "");
  }
}

TEST(FlowCheck, AMapEndsWithDefaultUnlessItsCodeConcludes) {
  FlowNode node = task("each");
  node.next = {{.action = "again"}, {.action = "default"}};
  EXPECT_EQ(told(flow_of({node})), "");
  node.map = NodeMap{.over = "$.input"};
  EXPECT_EQ(told(flow_of({node})), "each: next.again can never come: a map ends with default\n");
  node.concludes = true;
  EXPECT_EQ(told(flow_of({node})), "");
}

// Its runs that are under way go on: they are compiled, not checked.
TEST(FlowCheck, ADefinitionOfAnEarlierVersionStillCompiles) {
  FlowNode node = task("a");
  node.with = R"("$.nodes.nobody.result")";
  std::vector<FlowProblem> problems;
  EXPECT_TRUE(Graph::compile(std::make_shared<FlowDefinition>(flow_of({node})), problems));
}

}  // namespace
}  // namespace penstock::rules
