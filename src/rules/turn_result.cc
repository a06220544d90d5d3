// SPDX-License-Identifier: MIT
#include "rules/turn_result.h"

#include "rules/loop_exits.h"

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
      : graph_(graph), at_(at), left_(at.left), node_(node), scope_(scope), read_(read) {}

  std::optional<TurnResult> seen() {
    const Graph::Node& node = graph_.nodes()[node_];
    const int header = node.turns == 0 ? -1 : node.loops[node.turns - 1];
    std::optional<Turns> tag = turn_here();
    bool may_have_come = !lies_ahead();
    while (tag) {
      std::optional<std::string> before;
      // A line that has left loops again was there before it left them, if it was.
      for (Turns then = *tag;; forget_leaving(then)) {
        const auto made =
            may_have_come ? read_(field_of(graph_, node_, scope_, then)) : std::nullopt;
        if (made) {
          auto result = read_turn_result(*made);
          if (is_of_line(result.left)) return result;
        }
        if (header >= 0) before = read_(turn_before_field(graph_, header, scope_, then));
        if (before || then.size() < node.turns + leaving_size) break;
        const int left = then[then.size() - node.turns - leaving_size];
        if (header < 0 ? graph_.is_behind(left, node_) : graph_.is_behind(left, header)) break;
        may_have_come = may_have_come && !graph_.is_behind(left, node_);
      }
      may_have_come = true;
      tag = before ? std::optional(read_tag(*before)) : std::nullopt;
      if (before) left_ = read_left(*before);
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

  // Not when it was left with another turn, or another line of that turn, of a loop that this line
  // was left with, too.
  [[nodiscard]] bool is_of_line(const LeftLoops& left) const {
    return std::ranges::all_of(left, [this](const auto& loop) {
      const auto mine = left_.find(loop.first);
      if (mine == left_.end()) return true;
      const std::size_t loops = graph_.nodes()[loop.first].loops.size();
      const Turns home = at_home(graph_, loop.first, mine->second, loops);
      const Turns other = at_home(graph_, loop.first, loop.second, loops);
      const bool same_loop =
          std::ranges::equal(home.begin(), home.end() - 1, other.begin(), other.end() - 1);
      return !same_loop || mine->second == loop.second;
    });
  }

  // Behind a loop that the step is still in.
  [[nodiscard]] bool lies_ahead() const {
    return std::ranges::any_of(graph_.nodes()[at_.node].loops,
                               [this](int header) { return graph_.is_behind(header, node_); });
  }

  void forget_leaving(Turns& tag) const {
    const auto turns = static_cast<std::ptrdiff_t>(graph_.nodes()[node_].turns);
    const auto leaving = static_cast<std::ptrdiff_t>(leaving_size);
    tag.erase(tag.end() - turns - leaving, tag.end() - turns);
  }

  const Graph& graph_;
  const Standpoint& at_;
  LeftLoops left_;  // By the turn that is looked at.
  const int node_;
  const std::string& scope_;
  const Read& read_;
};

}  // namespace

std::string write_turn_result(const TurnResult& result) {
  const std::vector<int> visit{static_cast<int>(result.visit)};
  return write_tag(visit, result.left) + '|' + result.result.value_or("");
}

TurnResult read_turn_result(std::string_view text) {
  TurnResult result;
  const auto bar = std::min(text.find('|'), text.size());
  const std::vector<int> visit = read_tag(text.substr(0, bar));
  if (!visit.empty()) result.visit = visit.front();
  result.left = read_left(text.substr(0, bar));
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
