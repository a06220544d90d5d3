// SPDX-License-Identifier: MIT
//
// What the shape of a flow means. Edges are forward, or back: to an ancestor in a depth-first
// search from the start. The nodes between the target of a back edge and its sources are a loop;
// loops nest. A loop branches when a node in it leads on by several edges: then several tokens may
// be in it at once, and what leaves it may leave it again.
//
// A visit of a node belongs to one turn of each loop around it, and of each loop that branches and
// whose header comes before it on every way from the start, whether the node is in that loop or
// behind it. These headers are its heads, and a token's tag holds their turns (as in a tagged-token
// dataflow machine): so the inputs of a join belong together whatever else is under way. An edge to
// a node with fewer heads leads to where inputs from before that loop meet what comes from it: they
// come once, so of the visits of such an edge the first counts.
//
// Before the turns stand two numbers for each time that a token has left a loop that does not
// branch after another had, which only code can bring about that asks for nodes by name: the loop's
// header, and a number of its own.
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

/// So many numbers of a tag for each time that a loop was left again.
inline constexpr std::size_t leaving_size = 2;

class Graph {
 public:
  struct Edge {
    int from = 0, to = 0;
    std::string action = {};
    bool back = false;
    int exits = 0;          ///< So many of the innermost loops around `from` does it leave.
    int leaves = -1;        ///< Of those that do not branch the outermost.
    std::size_t keeps = 0;  ///< So many of the heads of `from` are heads of `to`.
    int meets = -1;  ///< The first of the others that branches: inputs from before it meet there.
  };
  struct Node {
    const FlowNode* node = nullptr;
    std::vector<int> out = {};    ///< Edges, in the order of the definition.
    std::vector<int> in = {};     ///< Forward edges.
    std::vector<int> loops = {};  ///< Headers of the loops around it, outermost first.
    std::vector<int> heads = {};  ///< Those whose turns tell its visits apart, in their order.
    std::size_t turns = 0;        ///< So many of them, the first ones, are of loops that branch.
    /// Of those that it is behind: its group, when it leads to where other inputs come, too
    /// (meetings_of).
    std::vector<std::pair<int, int>> groups = {};
    /// Visits of it may be under way at once, or be overtaken: it is in or behind a loop that may
    /// go on by several branches.
    bool overlaps = false;
    bool branches = false;   ///< A loop that branches begins here.
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
  [[nodiscard]] bool branches(int header) const { return nodes_[header].branches; }
  /// The node comes after that loop, which branches, without going back.
  [[nodiscard]] bool is_behind(int header, int node) const {
    const auto loop = behind_.find(header);
    return loop != behind_.end() && loop->second.contains(node);
  }
  /// Edges with this header as `meets`: those out of the loop itself as group -1, and those out of
  /// each group of nodes behind it that edges connect.
  [[nodiscard]] const std::map<int, std::vector<int>>& meetings_of(int header) const {
    static const std::map<int, std::vector<int>> none;
    const auto found = meetings_.find(header);
    return found == meetings_.end() ? none : found->second;
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
  std::map<int, std::map<int, std::vector<int>>> meetings_ = {};
  int start_ = -1;
  bool ends_late_ = false;
};

}  // namespace penstock::rules
