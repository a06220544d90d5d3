// SPDX-License-Identifier: MIT
//
// What is wrong with the groups of a flow: a part of compiling its graph, which asks for it when
// its nodes and edges are known.
#pragma once

#include "rules/graph.h"

namespace penstock::rules {

/// Adds to `problems`, of group g with the parts "groups.g.nodes" and ".again" (and a member as the
/// value), and "groups.g.policy".
void check_groups(const Graph& graph, std::vector<FlowProblem>& problems);

}  // namespace penstock::rules
