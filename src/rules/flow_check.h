// SPDX-License-Identifier: MIT
//
// What a definition says that can never come true: paths to what is never there, edges of actions
// that a node never ends with, options that no job could have. Apart from compiling its graph,
// because a run that was started with such a definition goes on with it; only what is offered or
// started anew is refused, by flow.cc and yaml.cc.
#pragma once

#include "rules/graph.h"

namespace penstock::rules {

/// Adds what it finds to `problems`, each with its part of the node. What cannot be read, paths
/// that are none, is for Graph::compile to tell.
void check_flow(const FlowDefinition& definition, std::vector<FlowProblem>& problems);

}  // namespace penstock::rules
