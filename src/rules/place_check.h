// SPDX-License-Identifier: MIT
#pragma once

#include "rules/graph.h"

#include <vector>

namespace penstock::rules {

/// What a node cannot be where it is: local behind nothing, or with options that it has no use for.
void check_places(const Graph& graph, std::vector<FlowProblem>& problems);

}  // namespace penstock::rules
