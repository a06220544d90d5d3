// SPDX-License-Identifier: MIT
#include "rules/loop_exits.h"

#include <algorithm>

namespace penstock::rules {
namespace {

// Nodes that have become one; the first of each is its name.
class Unions {
 public:
  int find(int node) {
    auto at = parent_.try_emplace(node, node).first;
    while (at->second != at->first) {
      auto up = parent_.find(at->second);
      at->second = up->second;
      at = up;
    }
    return at->first;
  }
  void join(int a, int b) { parent_[find(a)] = find(b); }

 private:
  std::map<int, int> parent_;
};

Unions ways_behind(const Graph& graph, const std::set<int>& behind) {
  Unions ways;
  for (const int node : behind) {
    for (const int e : graph.nodes()[node].out) {
      const Graph::Edge& edge = graph.edges()[e];
      if (edge.to >= 0 && !edge.back) ways.join(node, edge.to);
    }
  }
  return ways;
}

}  // namespace

int left_by(const Graph& graph, const Graph::Edge& edge) {
  const auto& loops = graph.nodes()[edge.from].loops;
  return loops[loops.size() - static_cast<std::size_t>(edge.exits)];
}

std::map<int, int> exits_that_meet(const Graph& graph, int header, const std::set<int>& behind) {
  Unions ways = ways_behind(graph, behind);
  std::map<int, int> numbers, first;
  for (const int e : graph.exits_of(header)) {
    const Graph::Edge& edge = graph.edges()[e];
    if (left_by(graph, edge) != header) continue;
    numbers[e] = first.try_emplace(ways.find(edge.to), e).first->second;
  }
  return numbers;
}

std::set<int> those_apart(const Graph& graph, const std::set<int>& behind,
                          const std::set<int>& wholly) {
  Unions ways = ways_behind(graph, behind);
  std::set<int> met, apart;
  for (const int node : behind) {
    if (!wholly.contains(node)) met.insert(ways.find(node));
  }
  for (const int node : behind) {
    if (!met.contains(ways.find(node))) apart.insert(node);
  }
  return apart;
}

std::set<int> those_wholly_behind(const Graph& graph, int header, const std::set<int>& behind) {
  std::set<int> wholly = behind;
  const auto comes_from_elsewhere = [&](int node) {
    return std::ranges::any_of(graph.nodes()[node].in, [&](int e) {
      const int from = graph.edges()[e].from;
      const auto& loops = graph.nodes()[from].loops;
      return std::ranges::find(loops, header) == loops.end() && !wholly.contains(from);
    });
  };
  std::vector<int> todo(behind.begin(), behind.end());
  while (!todo.empty()) {
    const int node = todo.back();
    todo.pop_back();
    if (!wholly.contains(node) || !comes_from_elsewhere(node)) continue;
    wholly.erase(node);
    for (const int e : graph.nodes()[node].out) {
      const Graph::Edge& edge = graph.edges()[e];
      if (edge.to >= 0 && !edge.back) todo.push_back(edge.to);
    }
  }
  return wholly;
}

std::vector<int> at_home(const Graph& graph, int header, std::vector<int> tag, std::size_t turns) {
  for (std::size_t at = 0; at + turns < tag.size();) {
    const auto& loops = graph.nodes()[tag[at]].loops;
    const bool inside = tag[at] != header && std::ranges::find(loops, header) != loops.end();
    const auto leaving = tag.begin() + static_cast<std::ptrdiff_t>(at);
    if (inside) {
      tag.erase(leaving, leaving + static_cast<std::ptrdiff_t>(leaving_size));
    } else {
      at += leaving_size;
    }
  }
  return tag;
}

}  // namespace penstock::rules
