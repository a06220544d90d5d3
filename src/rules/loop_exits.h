// SPDX-License-Identifier: MIT
#pragma once

#include "rules/graph.h"

#include <map>
#include <set>

namespace penstock::rules {

/// Of the edges out of a loop: those whose ways may meet again in `behind`, what comes after the
/// loop, have the same number.
std::map<int, int> exits_that_meet(const Graph& graph, int header, const std::set<int>& behind);

/// Of these, which come after the loop, those that nothing else leads to.
std::set<int> those_wholly_behind(const Graph& graph, int header, const std::set<int>& behind);

/// Of these those that are not connected, by edges behind the loop, with one that is not wholly so.
std::set<int> those_apart(const Graph& graph, const std::set<int>& behind,
                          const std::set<int>& wholly);

/// Of the loops that an edge leaves the outermost.
int left_by(const Graph& graph, const Graph::Edge& edge);

/// A tag, with the turns of so many loops of which `header` is the last or the next, by which all
/// lines of that loop are told: without how they have left the loops inside it.
std::vector<int> at_home(const Graph& graph, int header, std::vector<int> tag, std::size_t turns);

}  // namespace penstock::rules
