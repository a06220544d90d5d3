// SPDX-License-Identifier: MIT
#include "rules/graph_heads.h"

#include <algorithm>
#include <ranges>
#include <set>

namespace penstock::rules {
namespace {

using Nodes = std::vector<Graph::Node>;

bool contains(const std::vector<int>& headers, int header) {
  return std::ranges::find(headers, header) != headers.end();
}

// Heads of the source, but for the loops that do not branch and are left.
std::vector<int> kept_by(const Nodes& nodes, const Graph::Edge& edge) {
  std::vector<int> kept = nodes[edge.from].heads;
  while (!kept.empty() && !nodes[kept.back()].branches &&
         !contains(nodes[edge.to].loops, kept.back())) {
    kept.pop_back();
  }
  return kept;
}

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

// Of what is behind a loop those that lead to where something meets, by another turn, too: whatever
// loop that is in, they are in it, too, and are counted there.
std::set<int> leading_to(const std::map<int, std::vector<int>>& by_source,
                         const std::set<int>& behind, const std::vector<std::vector<int>>& before) {
  std::set<int> leading;
  std::vector<int> todo;
  for (const auto& [from, some] : by_source) {
    if (from >= 0 && leading.insert(from).second) todo.push_back(from);
  }
  while (!todo.empty()) {
    const int node = todo.back();
    todo.pop_back();
    for (const int from : before[node]) {
      if (behind.contains(from) && leading.insert(from).second) todo.push_back(from);
    }
  }
  return leading;
}

}  // namespace

// Common heads are always the first ones of both: what is a head of a head is a head, too.
void find_heads(Nodes& nodes, std::vector<Graph::Edge>& edges, const std::vector<int>& order) {
  std::vector<bool> is_header(nodes.size());
  for (const Graph::Edge& edge : edges) {
    if (edge.back) is_header[edge.to] = true;
  }
  for (const int at : order | std::views::reverse) {
    Graph::Node& node = nodes[at];
    bool first = true;
    for (const int e : node.in) {
      const std::vector<int> kept = kept_by(nodes, edges[e]);
      if (first) node.heads = kept;
      first = false;
      node.heads.erase(std::ranges::mismatch(node.heads, kept).in1, node.heads.end());
    }
    for (const int e : node.in) {
      const std::vector<int> kept = kept_by(nodes, edges[e]);
      edges[e].keeps = node.heads.size();
      if (kept.size() > node.heads.size()) edges[e].meets = kept[node.heads.size()];
    }
    if (is_header[at]) node.heads.push_back(at);
    node.turns = static_cast<std::size_t>(
        std::ranges::count_if(node.heads, [&](int header) { return nodes[header].branches; }));
  }
  for (Graph::Edge& edge : edges) {
    if (edge.to < 0) continue;
    if (edge.back) edge.keeps = nodes[edge.to].heads.size();
    const std::vector<int>& loops = nodes[edge.from].loops;
    for (int i = edge.back ? 0 : edge.exits; i > 0 && edge.leaves < 0; --i) {
      const int header = loops[loops.size() - static_cast<std::size_t>(i)];
      if (!nodes[header].branches) edge.leaves = header;
    }
  }
}

std::map<int, std::map<int, std::vector<int>>> find_meetings(
    Nodes& nodes, const std::vector<Graph::Edge>& edges) {
  std::map<int, std::set<int>> behind;  // By header that they have as a head.
  for (std::size_t node = 0; node < nodes.size(); ++node) {
    auto around = nodes[node].loops.begin();
    for (const int header : nodes[node].heads) {
      if (around != nodes[node].loops.end() && *around == header) {
        ++around;
      } else {
        behind[header].insert(static_cast<int>(node));
      }
    }
  }
  std::map<int, std::map<int, std::vector<int>>> meetings;
  for (std::size_t e = 0; e < edges.size(); ++e) {
    if (edges[e].meets < 0) continue;
    const bool inside = !behind[edges[e].meets].contains(edges[e].from);
    meetings[edges[e].meets][inside ? -1 : edges[e].from].push_back(static_cast<int>(e));
  }
  std::vector<std::vector<int>> before(nodes.size());
  for (const Graph::Edge& edge : edges) {
    if (edge.to >= 0) before[edge.to].push_back(edge.from);
  }
  for (auto& [header, by_source] : meetings) {
    const std::set<int> mine = leading_to(by_source, behind[header], before);
    Unions groups;
    for (const int node : mine) {
      for (const int e : nodes[node].out) {
        if (!edges[e].back && mine.contains(edges[e].to)) groups.join(node, edges[e].to);
      }
    }
    std::map<int, std::vector<int>> by_group;
    for (const auto& [from, some] : by_source) {
      auto& group = by_group[from < 0 ? from : groups.find(from)];
      group.insert(group.end(), some.begin(), some.end());
    }
    by_source = std::move(by_group);
    for (const int node : mine) nodes[node].groups.emplace_back(header, groups.find(node));
  }
  return meetings;
}

std::vector<int> at_home(const Graph& graph, int header, std::vector<int> tag, std::size_t turns) {
  for (std::size_t at = 0; at + turns < tag.size();) {
    const auto leaving = tag.begin() + static_cast<std::ptrdiff_t>(at);
    if (contains(graph.nodes()[tag[at]].heads, header)) {
      tag.erase(leaving, leaving + static_cast<std::ptrdiff_t>(leaving_size));
    } else {
      at += leaving_size;
    }
  }
  return tag;
}

}  // namespace penstock::rules
