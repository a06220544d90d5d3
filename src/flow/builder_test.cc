// SPDX-License-Identifier: MIT
//
// What is refused of a flow that is written in C++.
#include <penstock/flow.h>

#include <gtest/gtest.h>

namespace penstock {
namespace {

std::string refusal(const Flow& flow) {
  const auto ok = flow.check();
  return ok ? "" : ok.error().message;
}

TEST(FlowBuilder, APathToANodeThatDoesNotExistIsRefused) {
  Flow flow("f");
  flow.job("list", "t") >> flow.map("each", "$.nodes.lists.result", [](int n) { return n; }) >>
      flow.job("all", "t", {{"rows", "$.nodes.each.result"}, {"item", "$.item"}});
  EXPECT_EQ(refusal(flow),
            "flow f, node each: map.over: there is no node \"lists\" (list?) in this flow\n"
            "flow f, node all: with: $.item: $.item is only there in the with of a node that has "
            "a map");
  EXPECT_FALSE(flow.definition());
}

TEST(FlowBuilder, AnEdgeOfAnActionThatAGateNeverGivesIsRefused) {
  Flow flow("f");
  flow.gate("ask", {.ask = GateOptions::Ask::approval}) >> flow.job("load", "t");
  EXPECT_EQ(refusal(flow),
            "flow f, node ask: next.default can never come: a gate that asks for approval ends "
            "with approved or rejected");
}

}  // namespace
}  // namespace penstock
