// SPDX-License-Identifier: MIT
#include "rules/turn_result.h"

#include "rules/whole_number.h"

#include <algorithm>

namespace penstock::rules {
namespace {

using Turns = std::vector<int>;

// A tag with the turns of so many loops, of one with the turns of all loops around a node.
Turns cut_to(Turns tag, std::size_t loops, std::size_t turns) {
  if (tag.size() >= loops) tag.resize(tag.size() - loops + turns);
  return tag;
}

std::string field_of(const Graph& graph, int node, const std::string& scope, const Turns& tag) {
  return "rv:" + scope + graph.nodes()[node].node->name + '~' + write_tag(tag);
}

class Line {
 public:
  using Read = std::function<std::optional<std::string>(const std::string&)>;
  Line(const Graph& graph, const Standpoint& at, int node, const std::string& scope,
       const Read& read)
      : graph_(graph), at_(at), node_(node), scope_(scope), read_(read) {}

  std::optional<TurnResult> seen() {
    const Graph::Node& node = graph_.nodes()[node_];
    std::optional<Turns> tag = turn_here();
    bool may_have_come = !lies_ahead();
    while (tag) {
      if (may_have_come) {
        if (auto made = made_in(*tag)) return made;
      }
      may_have_come = true;
      if (node.turns == 0) return std::nullopt;
      const auto before =
          read_(turn_before_field(graph_, node.loops[node.turns - 1], scope_, *tag));
      tag = before ? std::optional(read_tag(*before)) : std::nullopt;
    }
    return std::nullopt;
  }

 private:
  // The tag that the node has in this turn, or in the last one of the loop around it that was left.
  [[nodiscard]] std::optional<Turns> turn_here() const {
    const auto &mine = graph_.nodes()[at_.node].loops, &theirs = graph_.nodes()[node_].loops;
    const std::size_t turns = graph_.nodes()[node_].turns;
    if (at_.tag.size() < mine.size()) return std::nullopt;
    const auto common =
        static_cast<std::size_t>(std::ranges::mismatch(mine, theirs).in1 - mine.begin());
    if (common >= turns) return cut_to(at_.tag, mine.size(), turns);
    const auto left = at_.left.find(theirs[turns - 1]);
    return left == at_.left.end() ? std::nullopt : std::optional(left->second);
  }

  // Behind a loop that the step is still in.
  [[nodiscard]] bool lies_ahead() const {
    return std::ranges::any_of(graph_.nodes()[at_.node].loops,
                               [this](int header) { return graph_.is_behind(header, node_); });
  }

  // A line that has left loops again since it was at the node was there before it left them.
  [[nodiscard]] std::optional<TurnResult> made_in(const Turns& tag) const {
    const std::size_t turns = graph_.nodes()[node_].turns;
    if (tag.size() < turns) return std::nullopt;
    for (std::size_t pairs = tag.size() - turns;; pairs -= 2) {
      Turns then(tag.begin(), tag.begin() + static_cast<std::ptrdiff_t>(pairs));
      then.insert(then.end(), tag.end() - static_cast<std::ptrdiff_t>(turns), tag.end());
      if (auto made = read_(field_of(graph_, node_, scope_, then))) return read_turn_result(*made);
      if (pairs < 2 || graph_.is_behind(tag[pairs - 2], node_)) return std::nullopt;
    }
  }

  const Graph& graph_;
  const Standpoint& at_;
  const int node_;
  const std::string& scope_;
  const Read& read_;
};

}  // namespace

std::string write_turn_result(const TurnResult& result) {
  return std::to_string(result.visit) + '|' + result.result.value_or("");
}

TurnResult read_turn_result(std::string_view text) {
  TurnResult result;
  const auto bar = std::min(text.find('|'), text.size());
  result.visit = whole_number(text.substr(0, bar)).value_or(1);
  if (bar + 1 < text.size()) result.result = text.substr(bar + 1);
  return result;
}

std::string turn_field(const Graph& graph, const Standpoint& at, const std::string& scope) {
  const Graph::Node& node = graph.nodes()[at.node];
  return field_of(graph, at.node, scope, cut_to(at.tag, node.loops.size(), node.turns));
}

std::string turn_before_field(const Graph& graph, int header, const std::string& scope,
                              const std::vector<int>& tag) {
  return "tp:" + scope + graph.nodes()[header].node->name + '~' + write_tag(tag);
}

std::optional<TurnResult> seen_from(
    const Graph& graph, const Standpoint& at, int node, const std::string& scope,
    const std::function<std::optional<std::string>(const std::string&)>& read) {
  return Line(graph, at, node, scope, read).seen();
}

}  // namespace penstock::rules
