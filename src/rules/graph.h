// SPDX-License-Identifier: MIT
//
// What the shape of a flow means. Edges are forward, or back: to an ancestor in a depth-first
// search from the start. The nodes between the target of a back edge and its sources are a loop;
// loops nest. A token on its way through the graph carries how often each loop around it has begun
// (its tag, as in a tagged-token dataflow machine), so that the inputs of a join belong together
// whatever turn their loop is in; before these turns stand three numbers for each time that it left
// a loop which had been left before: the loop's header, the number of what left together, and 0;
// or, where each way out counts by itself, the number of the loop in the run, and which time.
//
// Compiled once for each definition, immutable, safe to share between threads.
#pragma once

#include "rules/definition.h"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::rules {

/// A mistake in a definition: where, and what to do about it.
struct FlowProblem {
  std::string node = {};  ///< Empty: about the whole flow. With slashes: in a flow inside it.
  std::string text = {};
  /// Which part of the node, and what in it: "with" and the path. Empty: the node as a whole.
  std::string part = {}, value = {};
};

/// So many numbers of a tag for each time.
inline constexpr std::size_t leaving_size = 3;

class Graph {
 public:
  struct Edge {
    int from = 0, to = 0;
    std::string action = {};
    bool back = false;
    int exits = 0;         ///< So many of the innermost loops around `from` does it leave.
    int together = -1;     ///< Out of a loop that branches: of those that it may meet again, one.
    bool by_turn = false;  ///< And nothing from elsewhere meets these.
  };
  struct Node {
    const FlowNode* node = nullptr;
    std::vector<int> out = {};    ///< Edges, in the order of the definition.
    std::vector<int> in = {};     ///< Forward edges.
    std::vector<int> loops = {};  ///< Headers of the loops around it, outermost first.
    /// Visits of it may be under way at once, or be overtaken: it is in or behind a loop that may
    /// go on by several branches.
    bool overlaps = false;
    std::size_t turns = 0;   ///< So many of `loops`, the outer ones, branch.
    bool one_of = false;     ///< All its inputs are edges of one node: one comes, or none.
    bool tolerated = false;  ///< Its failure is judged by the nodes behind it.
    int need = -1;  ///< Of a node behind a group: so many inputs have to have succeeded; -1: none.
    std::shared_ptr<const Graph> body = {};
  };

  /// All that is wrong with it, in `problems`; null when anything is.
  static std::shared_ptr<const Graph> compile(std::shared_ptr<const FlowDefinition> definition,
                                              std::vector<FlowProblem>& problems);

  [[nodiscard]] const FlowDefinition& definition() const { return *definition_; }
  [[nodiscard]] const std::vector<Node>& nodes() const { return nodes_; }
  [[nodiscard]] const std::vector<Edge>& edges() const { return edges_; }
  [[nodiscard]] int start() const { return start_; }
  /// -1: there is none of that name.
  [[nodiscard]] int find(std::string_view name) const;
  /// Edges by which this loop is left, by header.
  [[nodiscard]] const std::vector<int>& exits_of(int header) const { return exits_.at(header); }
  [[nodiscard]] bool is_header(int node) const { return exits_.contains(node); }
  /// Several tokens may be in this loop at once: some node in it leads on by several edges.
  [[nodiscard]] bool branches(int header) const { return behind_.contains(header); }
  /// The node comes after that loop, which branches, without going back.
  [[nodiscard]] bool is_behind(int header, int node) const {
    const auto loop = behind_.find(header);
    return loop != behind_.end() && loop->second.contains(node);
  }
  /// And all that leads to it, too, or lies in the loop.
  [[nodiscard]] bool is_wholly_behind(int header, int node) const {
    const auto loop = wholly_behind_.find(header);
    return loop != wholly_behind_.end() && loop->second.contains(node);
  }
  /// And nothing from elsewhere meets what leads there, or leads on from there.
  [[nodiscard]] bool is_apart(int header, int node) const {
    const auto loop = apart_.find(header);
    return loop != apart_.end() && loop->second.contains(node);
  }
  /// What comes last need be no end of it: joins fire before their last input, and nodes are
  /// skipped.
  [[nodiscard]] bool ends_late() const { return ends_late_; }
  /// Some node comes after this one when it ends with this action.
  [[nodiscard]] bool leads_on(int node, std::string_view action) const;

 private:
  friend class GraphCompiler;
  std::shared_ptr<const FlowDefinition> definition_;
  std::vector<Node> nodes_ = {};
  std::vector<Edge> edges_ = {};
  std::map<std::string, int, std::less<>> by_name_ = {};
  std::map<int, std::vector<int>> exits_ = {};
  std::map<int, std::set<int>> behind_ = {};  ///< By header of a loop that branches.
  std::map<int, std::set<int>> wholly_behind_ = {}, apart_ = {};
  int start_ = -1;
  bool ends_late_ = false;
};

}  // namespace penstock::rules
