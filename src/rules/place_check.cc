// SPDX-License-Identifier: MIT
#include "rules/place_check.h"

namespace penstock::rules {

void check_places(const Graph& graph, std::vector<FlowProblem>& problems) {
  const std::vector<FlowNode>& nodes = graph.definition().nodes;
  const auto problem = [&](const std::string& node, std::string text) {
    problems.push_back({.node = node, .text = std::move(text)});
  };
  for (std::size_t i = 0; i < graph.nodes().size(); ++i) {
    const FlowNode& node = nodes[i];
    const bool tries = node.own.max_attempts || node.own.backoff || node.own.timeout;
    if (tries && node.body && !node.prepares) {
      problem(node.name,
              "a flow has neither retries nor a time-out as a node: give retries to its nodes, "
              "and the flow itself limits.timeout");
    }
    if (!node.local) continue;
    const bool plain = node.kind == FlowNode::Kind::task || node.kind == FlowNode::Kind::code;
    if (!plain || node.map) {
      problem(node.name, "only a single step with code (exec or task in YAML) can be local");
    }
    if (node.own.timeout) {
      problem(node.name, "a local node has no time-out: it runs within that of the one before");
    }
    if (static_cast<int>(i) == graph.start() || graph.nodes()[i].in.size() > 1) {
      problem(node.name,
              "a local node follows exactly one other, by one edge: it runs where that one ended");
    }
  }
}

}  // namespace penstock::rules
