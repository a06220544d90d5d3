// SPDX-License-Identifier: MIT
#include "flow/draw.h"

#include "rules/duration.h"
#include "rules/name.h"

#include <algorithm>
#include <set>
#include <vector>

namespace penstock::flow {
namespace {

using rules::FlowGroup;
using rules::FlowNode;
using rules::Graph;
using rules::GroupPolicy;

constexpr std::size_t longest_text = 60;

std::string policy_text(const GroupPolicy& policy) {
  switch (policy.kind) {
    case GroupPolicy::Kind::best_effort:
      return "best effort";
    case GroupPolicy::Kind::at_least:
      return "at least " + std::to_string(policy.need);
    case GroupPolicy::Kind::critical: {
      std::string names;
      for (const std::string& name : policy.critical) names += (names.empty() ? "" : ", ") + name;
      return "critical: " + names;
    }
    default:
      return "strict";
  }
}

std::string map_text(const rules::NodeMap& map) {
  std::string text = "for each of " + (map.over.empty() ? "what it prepares" : map.over);
  text += ", " + std::to_string(map.parallel > 0 ? map.parallel : rules::default_map_parallel) +
          " at once";
  if (map.policy.kind != GroupPolicy::Kind::strict) text += ", " + policy_text(map.policy);
  return text;
}

// What a node does, in a few words.
std::string deed_text(const FlowNode& node) {
  switch (node.kind) {
    case FlowNode::Kind::task:
      return "task " + node.task;
    case FlowNode::Kind::code:
      return "node";
    case FlowNode::Kind::flow:
      return "flow " + (node.body ? node.body->flow : "");
    case FlowNode::Kind::child:
      return "run of " + (node.body ? node.body->flow : "");
    default:
      break;
  }
  std::string text = "gate " + std::string(node.gate ? rules::to_text(node.gate->ask) : "");
  if (!node.gate) return text;
  if (!node.gate->prompt.empty()) text += " \"" + rules::printable(node.gate->prompt) + '"';
  std::string choices;
  for (const std::string& choice : node.gate->choices) {
    choices += (choices.empty() ? " of " : ", ") + rules::printable(choice, longest_text);
  }
  text += choices;
  if (node.gate->deadline) text += ", " + rules::format_duration(*node.gate->deadline);
  return text;
}

// Where it runs and what it waits for, as far as that is not as for most.
std::string place_text(const FlowNode& node) {
  std::string text;
  if (node.local) text += ", local";
  if (!node.pool.empty()) text += ", pool " + node.pool;
  if (node.queue != "default") text += ", queue " + node.queue;
  if (!node.undo_task.empty()) text += ", undo " + node.undo_task;
  if (node.join == 1) text += ", after any";
  if (node.join > 1) text += ", after " + std::to_string(node.join);
  return text;
}

// Forward edges lead downwards; what may be either way stays as it was defined.
std::vector<int> in_order(const Graph& graph) {
  std::vector<int> missing, order;
  std::set<int> ready{graph.start()};
  for (const Graph::Node& node : graph.nodes()) missing.push_back(static_cast<int>(node.in.size()));
  while (!ready.empty()) {
    const int node = *ready.begin();
    ready.erase(ready.begin());
    order.push_back(node);
    for (const int e : graph.nodes()[node].out) {
      const Graph::Edge& edge = graph.edges()[e];
      if (edge.to >= 0 && !edge.back && --missing[edge.to] == 0) ready.insert(edge.to);
    }
  }
  return order;
}

std::string label_of(const Graph::Edge& edge) {
  return edge.action == "default" ? "" : rules::printable(edge.action, longest_text);
}

// --- text ---

void draw_ascii(const Graph& graph, const std::string& indent, std::string& out) {
  out += indent + "flow " + graph.definition().flow + '\n';
  std::size_t widest = 0;
  for (const Graph::Node& node : graph.nodes()) widest = std::max(widest, node.node->name.size());
  for (const int index : in_order(graph)) {
    const Graph::Node& at = graph.nodes()[index];
    const FlowNode& node = *at.node;
    out += indent + (index == graph.start() ? "* " : "  ") + node.name +
           std::string(widest - node.name.size() + 2, ' ') + deed_text(node) + place_text(node) +
           '\n';
    if (!node.when.empty()) {
      out += indent + "    when " + rules::printable(node.when, longest_text) + '\n';
    }
    if (node.map) out += indent + "    " + map_text(*node.map) + '\n';
    if (at.body) draw_ascii(*at.body, indent + "    | ", out);
    for (const int e : at.out) {
      const Graph::Edge& edge = graph.edges()[e];
      const std::string label = label_of(edge);
      out += indent + "    " + label + (label.empty() ? "" : " ") + "-> " +
             (edge.to < 0 ? "end" : graph.nodes()[edge.to].node->name) +
             (edge.back ? " (back)" : "") + '\n';
    }
  }
  for (const FlowGroup& group : graph.definition().groups) {
    out += indent + "  group " + group.name + " (" + policy_text(group.policy) + "):";
    for (const std::string& member : group.members) out += ' ' + member;
    out += '\n';
  }
}

// --- boxes and arrows, in either of two languages ---

class Canvas {
 public:
  virtual ~Canvas() = default;
  virtual void node(const std::string& id, const FlowNode* node, const std::string& text) = 0;
  virtual void edge(const std::string& from, const std::string& to, const std::string& label,
                    bool dashed) = 0;
  virtual void open(const std::string& id, const std::string& title) = 0;
  virtual void close() = 0;
};

std::string replaced(std::string text, char what, std::string_view by) {
  for (std::size_t at = text.find(what); at != std::string::npos;
       at = text.find(what, at + by.size())) {
    text.replace(at, 1, by);
  }
  return text;
}

class Lines : public Canvas {
 public:
  explicit Lines(std::string& out) : out_(out) {}

 protected:
  void line(const std::string& text) {
    out_ += std::string(static_cast<std::size_t>(2 * depth_), ' ') + text + '\n';
  }
  std::string& out_;
  int depth_ = 1;
};

class Mermaid : public Lines {
 public:
  using Lines::Lines;
  void node(const std::string& id, const FlowNode* node, const std::string& text) override {
    const std::string label = '"' + quoted(text) + '"';
    if (!node) return line(id + "((" + label + "))");
    if (node->gate) return line(id + "{{" + label + "}}");
    line(node->map || node->body ? id + "[[" + label + "]]" : id + '[' + label + ']');
  }
  void edge(const std::string& from, const std::string& to, const std::string& label,
            bool dashed) override {
    const std::string arrow = dashed ? " -.->" : " -->";
    line(from + arrow + (label.empty() ? " " : "|\"" + quoted(label) + "\"| ") + to);
  }
  void open(const std::string& id, const std::string& title) override {
    line("subgraph " + id + "[\"" + quoted(title) + "\"]");
    ++depth_;
  }
  void close() override {
    --depth_;
    line("end");
  }

 private:
  static std::string quoted(const std::string& text) {
    std::string out = replaced(text, '#', "#35;");
    for (const auto& [what, by] : {std::pair('"', "#quot;"), std::pair('<', "#lt;"),
                                   std::pair('>', "#gt;"), std::pair('\n', "<br/>")}) {
      out = replaced(std::move(out), what, by);
    }
    return out;
  }
};

class Dot : public Lines {
 public:
  using Lines::Lines;
  void node(const std::string& id, const FlowNode* node, const std::string& text) override {
    std::string shape = "box";
    if (!node) {
      shape = "doublecircle";
    } else if (node->gate) {
      shape = "hexagon";
    } else if (node->map || node->body) {
      shape = "box3d";
    }
    line(id + " [shape=" + shape + ", label=" + quoted(text) + "];");
  }
  void edge(const std::string& from, const std::string& to, const std::string& label,
            bool dashed) override {
    std::string more = label.empty() ? "" : "label=" + quoted(label);
    if (dashed) more += std::string(more.empty() ? "" : ", ") + "style=dashed";
    line(from + " -> " + to + (more.empty() ? "" : " [" + more + ']') + ';');
  }
  void open(const std::string& id, const std::string& title) override {
    line("subgraph cluster_" + id + " {");
    ++depth_;
    line("label=" + quoted(title) + ';');
  }
  void close() override {
    --depth_;
    line("}");
  }
  static std::string quoted(const std::string& text) {
    std::string out = replaced(text, '\\', "\\\\");
    out = replaced(std::move(out), '"', "\\\"");
    return '"' + replaced(std::move(out), '\n', "\\n") + '"';
  }
};

class Painter {
 public:
  explicit Painter(Canvas& canvas) : canvas_(canvas) {}

  void paint_whole(const Graph& graph) {
    canvas_.node("start", nullptr, "start");
    canvas_.edge("start", "n" + std::to_string(graph.start()), "", false);
    paint(graph, "n");
  }

 private:
  void paint(const Graph& graph, const std::string& id) {
    const auto& groups = graph.definition().groups;
    std::vector<bool> drawn(graph.nodes().size());
    for (std::size_t g = 0; g < groups.size(); ++g) {
      canvas_.open(id + "g" + std::to_string(g),
                   groups[g].name + " (" + policy_text(groups[g].policy) + ')');
      for (const std::string& member : groups[g].members) {
        const int node = graph.find(member);
        drawn[node] = true;
        paint_node(graph, node, id);
      }
      canvas_.close();
    }
    bool ends = false;
    for (const int node : in_order(graph)) {
      if (!drawn[node]) paint_node(graph, node, id);
    }
    for (const Graph::Edge& edge : graph.edges()) ends = ends || edge.to < 0;
    if (ends) canvas_.node(id + "end", nullptr, "end");
    for (const int node : in_order(graph)) {
      for (const int e : graph.nodes()[node].out) {
        const Graph::Edge& edge = graph.edges()[e];
        const std::string to = edge.to < 0 ? id + "end" : id + std::to_string(edge.to);
        canvas_.edge(id + std::to_string(node), to, label_of(edge), edge.back);
      }
    }
    for (const int node : in_order(graph)) paint_body(graph, node, id);
  }

  void paint_node(const Graph& graph, int at, const std::string& id) {
    const FlowNode& node = *graph.nodes()[at].node;
    std::string text = node.name + '\n' + deed_text(node) + place_text(node);
    if (node.map) text += '\n' + map_text(*node.map);
    if (!node.when.empty()) text += "\nwhen " + rules::printable(node.when, longest_text);
    canvas_.node(id + std::to_string(at), &node, text);
  }

  void paint_body(const Graph& graph, int at, const std::string& id) {
    const auto& body = graph.nodes()[at].body;
    if (!body) return;
    const std::string inside = id + std::to_string(at) + '_';
    canvas_.open(inside + "in", body->definition().flow);
    paint(*body, inside);
    canvas_.close();
    canvas_.edge(id + std::to_string(at), inside + std::to_string(body->start()), "", true);
  }

  Canvas& canvas_;
};

}  // namespace

std::optional<Drawing> parse_drawing(std::string_view text) {
  if (text == "ascii") return Drawing::ascii;
  if (text == "mermaid") return Drawing::mermaid;
  if (text == "dot") return Drawing::dot;
  return std::nullopt;
}

std::string draw(const Graph& graph, Drawing drawing) {
  std::string out;
  if (drawing == Drawing::ascii) {
    draw_ascii(graph, "", out);
    return out;
  }
  if (drawing == Drawing::mermaid) {
    out = "flowchart TD\n";
    Mermaid canvas(out);
    Painter(canvas).paint_whole(graph);
    return out;
  }
  out = "digraph " + Dot::quoted(graph.definition().flow) + " {\n";
  Dot canvas(out);
  Painter(canvas).paint_whole(graph);
  return out + "}\n";
}

}  // namespace penstock::flow
