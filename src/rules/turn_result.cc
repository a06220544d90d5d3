// SPDX-License-Identifier: MIT
#include "rules/turn_result.h"

#include "rules/cut.h"
#include "rules/graph_heads.h"
#include "rules/whole_number.h"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace penstock::rules {
namespace {

using Turns = std::vector<int>;

// A tag of that node with the turns of so many of its heads.
Turns cut_to(const Graph& graph, int node, Turns tag, std::size_t heads) {
  const std::size_t all = graph.nodes()[node].heads.size();
  if (tag.size() >= all) tag.resize(tag.size() - all + heads);
  return tag;
}

std::string field_of(const Graph& graph, int node, const std::string& scope, const Turns& tag) {
  return "rv:" + scope + graph.nodes()[node].node->name + '~' + write_tag(tag);
}

// Where a line may have been: in the latest turn of what is around; there rather where it came from
// than what has passed that by, and in the latest turn.
struct Source {
  bool came = true, taken = true;
  Standpoint at = {};
  Turns around = {};
  bool operator<(const Source& other) const {
    return std::tie(around, came, taken, at.tag) <
           std::tie(other.around, other.came, other.taken, other.at.tag);
  }
};

class Line {
 public:
  using Read = std::function<std::optional<std::string>(const std::string&)>;
  Line(const Graph& graph, int node, const std::string& scope, const Read& read)
      : graph_(graph), node_(node), scope_(scope), read_(read) {}

  std::optional<TurnResult> seen_from(Standpoint from) {
    const Graph::Node& node = graph_.nodes()[node_];
    const std::size_t around = common_turns(from);
    std::vector<Source> todo{{.at = std::move(from)}};
    const auto look_later = [&](Source source) {
      source.around = turns_of(source.at, around);
      todo.push_back(std::move(source));
    };
    std::set<std::pair<int, Turns>> looked;
    while (!todo.empty()) {
      const auto best = std::ranges::max_element(todo, std::less{});
      const Source source = std::move(*best);
      todo.erase(best);
      const Standpoint& at = source.at;
      const auto& mine = graph_.nodes()[at.node].heads;
      if (at.tag.size() < mine.size() || !looked.emplace(at.node, at.tag).second) continue;
      const std::size_t common = common_turns(at);
      if (common == node.turns && !lies_ahead(at)) {
        if (auto made = made_at(at, common)) return made;
      }
      if (common < node.turns) {
        for (Source& one : sources_of(source, common)) look_later(std::move(one));
      }
      if (auto before = turn_before(at, common)) {
        look_later({.came = source.came, .taken = source.taken, .at = *std::move(before)});
      }
    }
    return std::nullopt;
  }

 private:
  // A line that has left loops again was there before it left them, if it was.
  [[nodiscard]] std::optional<TurnResult> made_at(const Standpoint& at, std::size_t turns) const {
    for (Turns tag = cut_to(graph_, at.node, at.tag, turns);;) {
      if (const auto made = read_(field_of(graph_, node_, scope_, tag))) {
        return read_turn_result(*made);
      }
      if (tag.size() < turns + leaving_size) return std::nullopt;
      const auto end = tag.end() - static_cast<std::ptrdiff_t>(turns);
      tag.erase(end - static_cast<std::ptrdiff_t>(leaving_size), end);
    }
  }

  // Behind a loop that the step is still in; or where inputs from before a loop come, too, of one
  // that it has not come out of otherwise.
  [[nodiscard]] bool lies_ahead(const Standpoint& at) const {
    const Graph::Node &from = graph_.nodes()[at.node], &node = graph_.nodes()[node_];
    return std::ranges::any_of(from.heads, [&](int header) {
      if (!graph_.is_behind(header, node_)) return false;
      const bool inside = std::ranges::find(from.loops, header) != from.loops.end();
      return inside || std::ranges::find(node.heads, header) == node.heads.end();
    });
  }

  // What has begun the turn that the line is in, of the innermost of the loops around the node.
  [[nodiscard]] std::optional<Standpoint> turn_before(const Standpoint& at,
                                                      std::size_t common) const {
    const Graph::Node& node = graph_.nodes()[node_];
    for (std::size_t turns = common; turns > 0; --turns) {
      const int header = node.heads[turns - 1];
      if (std::ranges::find(node.loops, header) == node.loops.end()) continue;
      const Turns tag = at_home(graph_, header, cut_to(graph_, at.node, at.tag, turns), turns);
      const auto before = read_(turn_before_field(graph_, header, scope_, tag));
      if (before) return read_standpoint(*before);
    }
    return std::nullopt;
  }

  // So many of the heads whose loops branch do both have.
  [[nodiscard]] std::size_t common_turns(const Standpoint& at) const {
    const auto &mine = graph_.nodes()[at.node].heads, &theirs = graph_.nodes()[node_].heads;
    const auto same =
        static_cast<std::size_t>(std::ranges::mismatch(mine, theirs).in1 - mine.begin());
    return std::min(same, graph_.nodes()[node_].turns);
  }

  // The first turns of a tag, behind how it has left loops.
  [[nodiscard]] Turns turns_of(const Standpoint& at, std::size_t turns) const {
    const std::size_t heads = graph_.nodes()[at.node].heads.size();
    if (at.tag.size() < heads) return {};
    const auto first = at.tag.end() - static_cast<std::ptrdiff_t>(heads);
    return {first, first + static_cast<std::ptrdiff_t>(std::min(turns, heads))};
  }

  // Where the line came from to joins with other inputs, or would have.
  std::vector<Source> sources_of(const Source& line, std::size_t common) {
    std::vector<Source> to;
    for (const auto& [key, tag] : line.at.passed) {
      for (const int e : graph_.nodes()[join_of(key)].in) {
        const Graph::Edge& edge = graph_.edges()[e];
        if (edge.meets < 0 || !comes_from(edge.from, common)) continue;
        const Meeting meeting(read_(meeting_field(graph_, e, scope_, tag)));
        const std::string came = meeting.source();
        if (came.empty()) continue;
        to.push_back({.came = line.came && key >= 0, .taken = line.taken && meeting.is_taken()});
        to.back().at = {.node = edge.from, .tag = read_tag(came), .passed = read_passed(came)};
      }
    }
    return to;
  }

  // Whether what comes from there has come by the node, in a turn that the line knows no more.
  [[nodiscard]] bool comes_from(int source, std::size_t common) {
    const int head = graph_.nodes()[node_].heads[common];
    return has_head(source, head) && led_to(head).contains(source);
  }

  [[nodiscard]] bool has_head(int node, int head) const {
    return std::ranges::find(graph_.nodes()[node].heads, head) != graph_.nodes()[node].heads.end();
  }

  // What the node leads to without leaving what this head comes before, and itself.
  const std::set<int>& led_to(int head) {
    std::set<int>& led = led_to_[head];
    std::vector<int> todo;
    if (led.insert(node_).second) todo.push_back(node_);
    while (!todo.empty()) {
      const int from = todo.back();
      todo.pop_back();
      for (const int e : graph_.nodes()[from].out) {
        const int to = graph_.edges()[e].to;
        if (to >= 0 && has_head(to, head) && led.insert(to).second) todo.push_back(to);
      }
    }
    return led;
  }

  const Graph& graph_;
  const int node_;
  const std::string& scope_;
  const Read& read_;
  std::map<int, std::set<int>> led_to_ = {};  // By head.
};

}  // namespace

std::string write_turn_result(const TurnResult& result) {
  return std::to_string(result.visit) + '|' + result.result.value_or("");
}

TurnResult read_turn_result(std::string_view text) {
  TurnResult result;
  result.visit = whole_number(cut(text, '|')).value_or(1);
  if (!text.empty()) result.result = text;
  return result;
}

std::string write_standpoint(const Standpoint& at) {
  return std::to_string(at.node) + '.' + write_tag(at.tag, at.passed);
}

Standpoint read_standpoint(std::string_view text) {
  Standpoint at;
  at.node = static_cast<int>(whole_number(cut(text, '.')).value_or(0));
  at.tag = read_tag(text);
  at.passed = read_passed(text);
  return at;
}

std::string turn_field(const Graph& graph, const Standpoint& at, const std::string& scope) {
  const Graph::Node& node = graph.nodes()[at.node];
  return field_of(graph, at.node, scope, cut_to(graph, at.node, at.tag, node.turns));
}

std::string turn_before_field(const Graph& graph, int header, const std::string& scope,
                              const std::vector<int>& tag) {
  return "tp:" + scope + graph.nodes()[header].node->name + '~' + write_tag(tag);
}

std::string meeting_field(const Graph& graph, int edge, const std::string& scope,
                          std::vector<int> tag) {
  const Graph::Edge& to = graph.edges()[edge];
  tag = at_home(graph, to.meets, std::move(tag), to.keeps);
  return "lm:" + scope + std::to_string(edge) + '~' + write_tag(tag);
}

std::optional<TurnResult> seen_from(
    const Graph& graph, const Standpoint& at, int node, const std::string& scope,
    const std::function<std::optional<std::string>(const std::string&)>& read) {
  return Line(graph, node, scope, read).seen_from(at);
}

}  // namespace penstock::rules
