// SPDX-License-Identifier: MIT
#pragma once

#include "rules/graph.h"

#include <map>
#include <vector>

namespace penstock::rules {

/// Which turns the visits of each node are told apart by: fills heads, turns, leaves, keeps and
/// meets. `order` has each node before those that lead to it, back edges aside.
void find_heads(std::vector<Graph::Node>& nodes, std::vector<Graph::Edge>& edges,
                const std::vector<int>& order);

/// By header of a loop that branches, if it has any: Graph::meetings_of. Of nodes that have their
/// heads; fills their groups.
std::map<int, std::map<int, std::vector<int>>> find_meetings(std::vector<Graph::Node>& nodes,
                                                             const std::vector<Graph::Edge>& edges);

/// A tag without how the token has left loops that come after this header, by which all that
/// belongs to that loop is told. So many of its numbers, the last ones, are turns.
std::vector<int> at_home(const Graph& graph, int header, std::vector<int> tag, std::size_t turns);

}  // namespace penstock::rules
