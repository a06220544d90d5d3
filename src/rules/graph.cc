// SPDX-License-Identifier: MIT
//
// Compiling a definition: names, edges, back edges by depth-first search, natural loops, and the
// checks that every join is decidable.
#include "rules/graph.h"

#include "rules/counted.h"
#include "rules/expression.h"
#include "rules/graph_heads.h"
#include "rules/group_check.h"
#include "rules/json.h"
#include "rules/name.h"
#include "rules/place_check.h"

#include <algorithm>
#include <set>

namespace penstock::rules {

class GraphCompiler {
 public:
  GraphCompiler(Graph& graph, std::vector<FlowProblem>& problems)
      : g_(graph), d_(*graph.definition_), problems_(problems) {}

  void run(int depth) {
    const std::size_t before = problems_.size();
    take_nodes(depth);
    take_edges();
    if (problems_.size() > before) return;
    find_start();
    if (problems_.size() > before) return;
    find_back_edges();
    find_loops();
    if (problems_.size() > before) return;
    find_exits();
    find_overlaps();
    if (problems_.size() > before) return;
    find_heads(g_.nodes_, g_.edges_, order_);
    g_.meetings_ = find_meetings(g_.nodes_, g_.edges_);
    check_joins();
    take_groups();
    check_places(g_, problems_);
  }

 private:
  void problem(std::string_view node, std::string text) {
    problems_.push_back({.node = std::string(node), .text = std::move(text)});
  }

  void take_nodes(int depth) {
    if (auto ok = check_name("flow", d_.flow); !ok) problem({}, ok.error().message);
    if (d_.nodes.empty()) problem({}, "the flow has no nodes: give it at least one");
    if (d_.nodes.size() > max_flow_nodes) {
      problem({}, std::to_string(d_.nodes.size()) + " nodes, the limit is " +
                      std::to_string(max_flow_nodes) + ": use a map or flows in flows");
      return;
    }
    for (const FlowNode& node : d_.nodes) {
      const int index = static_cast<int>(g_.nodes_.size());
      if (auto ok = check_name("node", node.name); !ok) problem(node.name, ok.error().message);
      if (node.name == "end") problem(node.name, "a node cannot be called end: that ends the flow");
      if (node.name.find('/') != std::string::npos) {
        problem(node.name, "a node's name has no slash: that is for flows in flows");
      }
      if (!g_.by_name_.emplace(node.name, index).second) {
        problem(node.name, "there are two nodes of this name: rename one");
      }
      g_.nodes_.push_back({.node = &node});
      check_node(node);
      if (node.kind == FlowNode::Kind::flow || node.kind == FlowNode::Kind::child) {
        take_body(node, depth);
      }
    }
  }

  void take_body(const FlowNode& node, int depth) {
    if (!node.body) return problem(node.name, "the flow inside it is missing");
    if (depth >= max_flow_depth) {
      return problem(node.name, "flows in flows go " + std::to_string(max_flow_depth) +
                                    " deep at most: make it a flow of its own");
    }
    std::vector<FlowProblem> inner;
    auto body = std::make_shared<Graph>();
    body->definition_ = node.body;
    GraphCompiler(*body, inner).run(depth + 1);
    for (FlowProblem& one : inner) {
      one.node = one.node.empty() ? node.name : node.name + '/' + one.node;
      problems_.push_back(std::move(one));
    }
    g_.nodes_.back().body = std::move(body);
  }

  void check_node(const FlowNode& node) {
    const bool has_job = node.kind == FlowNode::Kind::task || node.kind == FlowNode::Kind::code;
    if (has_job && node.task.empty()) problem(node.name, "it names no task");
    if (!node.task.empty()) {
      if (auto ok = check_name("task", node.task); !ok) problem(node.name, ok.error().message);
    }
    if (node.kind == FlowNode::Kind::gate && !node.gate) problem(node.name, "its gate is missing");
    if (node.map && node.kind == FlowNode::Kind::gate) problem(node.name, "a gate has no map");
    if (node.map && node.map->policy.kind == GroupPolicy::Kind::critical) {
      problem(node.name, "critical is for groups: items of a map have no names");
    }
    if (node.map && node.map->parallel < 0) {
      problem(node.name, "parallel is " + std::to_string(node.map->parallel) +
                             ": at least 1, or leave it out");
    }
    if (!node.when.empty()) {
      if (auto parsed = Expression::parse(node.when); !parsed) {
        problem(node.name, "when: " + parsed.error().message);
      }
    }
    for (const std::string* with : {&node.with, &node.undo_with}) {
      if (with->empty()) continue;
      if (auto ok = Template::parse(*with); !ok) problem(node.name, "with: " + ok.error().message);
    }
    if (node.map && !node.map->over.empty()) {
      if (auto ok = Path::parse(node.map->over); !ok) {
        problem(node.name, "map.over: " + ok.error().message);
      }
    }
  }

  void take_edges() {
    for (std::size_t from = 0; from < g_.nodes_.size(); ++from) {
      std::set<std::pair<std::string, std::string>> seen;
      for (const FlowEdge& edge : d_.nodes[from].next) {
        const std::string& name = d_.nodes[from].name;
        if (!seen.emplace(edge.action, edge.target).second) {
          problem(name, "the edge " + edge.action + " to " + edge.target + " is there twice");
          continue;
        }
        int to = -1;
        if (!edge.target.empty()) {
          to = g_.find(edge.target);
          if (to < 0) {
            problem(name, "next." + edge.action + " leads to \"" + edge.target +
                              "\", which is no node of this flow");
            continue;
          }
        }
        g_.nodes_[from].out.push_back(static_cast<int>(g_.edges_.size()));
        g_.edges_.push_back({.from = static_cast<int>(from), .to = to, .action = edge.action});
      }
    }
  }

  void find_start() {
    if (!d_.start.empty()) {
      g_.start_ = g_.find(d_.start);
      if (g_.start_ < 0) problem({}, "start \"" + d_.start + "\" is no node of this flow");
      return;
    }
    std::vector<bool> has_input(g_.nodes_.size());
    for (const Graph::Edge& edge : g_.edges_) {
      if (edge.to >= 0 && edge.to != edge.from) has_input[edge.to] = true;
    }
    std::string names;
    int count = 0;
    for (std::size_t i = 0; i < g_.nodes_.size(); ++i) {
      if (has_input[i]) continue;
      g_.start_ = static_cast<int>(i);
      if (++count <= 5) names += (names.empty() ? "" : ", ") + d_.nodes[i].name;
    }
    if (count == 0) problem({}, "every node has an input: say with start where it begins");
    if (count > 1) {
      problem({}, std::to_string(count) + " nodes have no input (" + names +
                      "): say with start where it begins, or put one node before them");
    }
  }

  // Depth-first with a stack of its own: a chain may be 100,000 nodes long.
  void find_back_edges() {
    enum class Colour : std::uint8_t { white, grey, black };
    std::vector<Colour> colour(g_.nodes_.size(), Colour::white);
    std::vector<std::pair<int, std::size_t>> stack{{g_.start_, 0}};
    colour[g_.start_] = Colour::grey;
    while (!stack.empty()) {
      auto& [node, next] = stack.back();
      if (next == g_.nodes_[node].out.size()) {
        colour[node] = Colour::black;
        order_.push_back(node);
        stack.pop_back();
        continue;
      }
      Graph::Edge& edge = g_.edges_[g_.nodes_[node].out[next++]];
      if (edge.to < 0) continue;
      edge.back = colour[edge.to] == Colour::grey;
      if (colour[edge.to] != Colour::white) continue;
      colour[edge.to] = Colour::grey;
      stack.emplace_back(edge.to, 0);
    }
    for (std::size_t i = 0; i < g_.nodes_.size(); ++i) {
      if (colour[i] == Colour::white) {
        problem(d_.nodes[i].name, "nothing leads to it from the start: add an edge or remove it");
      }
    }
    for (std::size_t e = 0; e < g_.edges_.size(); ++e) {
      const Graph::Edge& edge = g_.edges_[e];
      if (edge.to >= 0 && !edge.back) g_.nodes_[edge.to].in.push_back(static_cast<int>(e));
    }
  }

  // A natural loop: its header, and all that reaches a back edge to it without passing it.
  void find_loops() {
    std::map<int, std::set<int>> body;
    std::vector<std::vector<int>> before(g_.nodes_.size());
    for (const Graph::Edge& edge : g_.edges_) {
      if (edge.to >= 0) before[edge.to].push_back(edge.from);
    }
    for (const Graph::Edge& edge : g_.edges_) {
      if (!edge.back) continue;
      std::set<int>& in = body[edge.to];
      in.insert(edge.to);
      std::vector<int> todo;
      if (in.insert(edge.from).second) todo.push_back(edge.from);
      while (!todo.empty()) {
        const int node = todo.back();
        todo.pop_back();
        for (const int from : before[node]) {
          if (in.insert(from).second) todo.push_back(from);
        }
      }
    }
    std::vector<std::pair<std::size_t, int>> by_size;
    for (const auto& [header, in] : body) by_size.emplace_back(in.size(), header);
    std::ranges::sort(by_size, std::greater{});
    for (const auto& [size, header] : by_size) check_nesting(header, body);
    for (const auto& [size, header] : by_size) {  // Larger ones are outside.
      for (const int node : body.at(header)) g_.nodes_[node].loops.push_back(header);
      g_.exits_[header] = {};
    }
  }

  void check_nesting(int header, const std::map<int, std::set<int>>& body) {
    const std::set<int>& mine = body.at(header);
    const std::string& name = d_.nodes[header].name;
    for (const int node : mine) {
      for (const int e : node == header ? std::vector<int>{} : g_.nodes_[node].in) {
        if (mine.contains(g_.edges_[e].from)) continue;
        problem(name, "the loop back to it can also be entered at \"" + d_.nodes[node].name +
                          "\": a loop has one way in");
        return;
      }
    }
    if (header != g_.start_ && mine.contains(g_.start_)) {
      problem(
          name,
          "the loop back to it can also be entered from the start without passing it: a loop has "
          "one way in");
    }
    for (const auto& [other, theirs] : body) {
      if (other == header) continue;
      std::size_t both = 0;
      for (const int node : mine) both += theirs.contains(node) ? 1 : 0;
      if (both == 0 || both == mine.size() || both == theirs.size()) continue;
      problem(name, "its loop and that of \"" + d_.nodes[other].name +
                        "\" overlap: nest them or keep them apart");
      return;
    }
  }

  void find_exits() {
    for (std::size_t e = 0; e < g_.edges_.size(); ++e) {
      Graph::Edge& edge = g_.edges_[e];
      const std::vector<int>& loops = g_.nodes_[edge.from].loops;
      for (const int header : edge.to >= 0 ? loops : std::vector<int>{}) {
        const auto& theirs = g_.nodes_[edge.to].loops;
        if (std::ranges::find(theirs, header) == theirs.end()) ++edge.exits;
      }
      // One that goes back begins a turn of the loop around: nothing there waits for it.
      for (int i = 0; i < edge.exits && !edge.back; ++i) {
        g_.exits_[loops[loops.size() - 1 - i]].push_back(static_cast<int>(e));
      }
    }
  }

  void find_overlaps() {
    for (const Graph::Node& node : g_.nodes_) {
      std::set<std::string_view> actions;
      for (const int e : node.loops.empty() ? std::vector<int>{} : node.out) {
        if (actions.insert(g_.edges_[e].action).second) continue;
        for (const int header : node.loops) g_.behind_[header];
      }
    }
    if (g_.behind_.size() * g_.nodes_.size() > 5'000'000) {  // Each knows the nodes behind it.
      return problem({}, std::to_string(g_.behind_.size()) +
                             " loops lead on by several edges of one action, too many for so "
                             "many nodes: use flows in flows");
    }
    // What leaves a loop again comes too late for a join behind it.
    g_.ends_late_ = !g_.behind_.empty();
    for (auto& [header, behind] : g_.behind_) {
      g_.nodes_[header].branches = true;
      for (const int e : g_.exits_[header]) behind.insert(g_.edges_[e].to);
      behind = reached_from(behind, false);
      for (const int node : reached_from({header}, true)) g_.nodes_[node].overlaps = true;
    }
  }

  [[nodiscard]] std::set<int> reached_from(const std::set<int>& nodes, bool going_back) const {
    std::set<int> reached = nodes;
    std::vector<int> todo(nodes.begin(), nodes.end());
    while (!todo.empty()) {
      const int from = todo.back();
      todo.pop_back();
      for (const int e : g_.nodes_[from].out) {
        const Graph::Edge& edge = g_.edges_[e];
        if (edge.to < 0 || (edge.back && !going_back)) continue;
        if (reached.insert(edge.to).second) todo.push_back(edge.to);
      }
    }
    return reached;
  }

  void check_joins() {
    for (std::size_t i = 0; i < g_.nodes_.size(); ++i) {
      const Graph::Node& node = g_.nodes_[i];
      const std::string& name = d_.nodes[i].name;
      std::set<int> sources;  // Of several edges of one node one comes.
      for (const int e : node.in) sources.insert(g_.edges_[e].from);
      const int inputs = static_cast<int>(sources.size());
      g_.ends_late_ = g_.ends_late_ || node.node->join > 0 || !node.node->when.empty();
      if (node.node->join < 0 || node.node->join > std::max(inputs, 1)) {
        problem(name, "join is " + std::to_string(node.node->join) + ", it has " +
                          counted(inputs, "input"));
      }
      if (node.in.size() < 2) continue;
      g_.nodes_[i].one_of = std::ranges::all_of(
          node.in, [&](int e) { return g_.edges_[e].from == g_.edges_[node.in.front()].from; });
    }
  }

  void take_groups() {
    check_groups(g_, problems_);
    for (const FlowGroup& group : d_.groups) {
      if (group.policy.kind == GroupPolicy::Kind::strict) continue;
      std::set<int> members;
      for (const std::string& name : group.members) {
        if (const int node = g_.find(name); node >= 0) members.insert(node);
      }
      const int need = group.policy.kind == GroupPolicy::Kind::at_least ? group.policy.need : 0;
      for (const int member : members) {
        const bool critical = group.policy.kind == GroupPolicy::Kind::critical &&
                              std::ranges::find(group.policy.critical, d_.nodes[member].name) !=
                                  group.policy.critical.end();
        g_.nodes_[member].tolerated = !critical;
        if (!critical && d_.nodes[member].kind == FlowNode::Kind::flow) {
          problem(d_.nodes[member].name,
                  "a flow in this run fails the run whatever its group says: make it a run of its "
                  "own");
        }
        for (const int e : g_.nodes_[member].out) {
          if (g_.edges_[e].to >= 0) {
            int& theirs = g_.nodes_[g_.edges_[e].to].need;
            theirs = std::max(theirs, need);
          }
        }
      }
    }
  }

  Graph& g_;
  const FlowDefinition& d_;
  std::vector<FlowProblem>& problems_;
  std::vector<int> order_;  // Of nodes: each before those that lead to it, back edges aside.
};

std::shared_ptr<const Graph> Graph::compile(std::shared_ptr<const FlowDefinition> definition,
                                            std::vector<FlowProblem>& problems) {
  auto graph = std::make_shared<Graph>();
  graph->definition_ = std::move(definition);
  const std::size_t before = problems.size();
  GraphCompiler(*graph, problems).run(1);
  return problems.size() > before ? nullptr : graph;
}

bool Graph::leads_on(int node, std::string_view action) const {
  return std::ranges::any_of(
      nodes_[node].out, [&](int e) { return edges_[e].action == action && edges_[e].to >= 0; });
}

int Graph::find(std::string_view name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? -1 : found->second;
}

}  // namespace penstock::rules
