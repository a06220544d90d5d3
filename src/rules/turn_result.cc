// SPDX-License-Identifier: MIT
#include "rules/turn_result.h"

#include "rules/whole_number.h"

#include <algorithm>

namespace penstock::rules {
namespace {

using Turns = std::vector<int>;

constexpr std::string_view first_of_all = "-";  // No tag is written like that.

// The turn of a node that a step sees, as far as it is determined: of loops that the step was never
// in, any turn will do.
struct Wanted {
  Turns leavings = {}, turns = {};
  bool exact = false;
};

// Of a run that an older version began, a tag may be missing: then any turn will do.
Wanted wanted_of(const Graph& graph, const Standpoint& at, int node) {
  const auto &mine = graph.nodes()[at.node].loops, &theirs = graph.nodes()[node].loops;
  if (at.tag.size() < mine.size()) return {};
  const auto own = at.tag.end() - static_cast<std::ptrdiff_t>(mine.size());
  const auto common = std::ranges::mismatch(mine, theirs).in1 - mine.begin();
  Wanted wanted{.leavings = {at.tag.begin(), own}, .turns = {own, own + common}};
  for (std::size_t depth = static_cast<std::size_t>(common); depth < theirs.size(); ++depth) {
    const auto left = at.left.find(theirs[depth]);
    if (left == at.left.end() || left->second.size() <= depth) continue;
    const auto turns = left->second.end() - static_cast<std::ptrdiff_t>(depth + 1);
    wanted.leavings.assign(left->second.begin(), turns);
    wanted.turns.assign(turns, left->second.end());
  }
  wanted.exact = wanted.turns.size() == theirs.size();
  return wanted;
}

// Pairs of a loop and how often it had been left. What two tokens left in another order says
// nothing about which of them is the earlier.
int compare_leavings(const Turns& one, const Turns& other) {
  for (std::size_t i = 0; i + 1 < std::min(one.size(), other.size()); i += 2) {
    if (one[i] != other[i]) return 0;
    if (one[i + 1] != other[i + 1]) return one[i + 1] < other[i + 1] ? -1 : 1;
  }
  return one.size() > other.size() ? 1 : 0;
}

bool is_beyond(const Turns& tag, const Wanted& wanted, std::size_t loops) {
  if (tag.size() < loops) return false;
  const auto turns = tag.end() - static_cast<std::ptrdiff_t>(loops);
  if (const int order = compare_leavings({tag.begin(), turns}, wanted.leavings)) return order > 0;
  for (std::size_t i = 0; i < std::min(loops, wanted.turns.size()); ++i) {
    if (turns[static_cast<std::ptrdiff_t>(i)] != wanted.turns[i]) {
      return turns[static_cast<std::ptrdiff_t>(i)] > wanted.turns[i];
    }
  }
  return false;
}

}  // namespace

std::string write_turn_result(const TurnResult& result) {
  return result.before.value_or(std::string(first_of_all)) + '|' + std::to_string(result.visit) +
         '|' + result.result.value_or("");
}

TurnResult read_turn_result(std::string_view text) {
  TurnResult result;
  const auto first = text.find('|'), second = text.find('|', first + 1);
  if (second == std::string_view::npos) return result;
  if (text.substr(0, first) != first_of_all) result.before = text.substr(0, first);
  result.visit = whole_number(text.substr(first + 1, second - first - 1)).value_or(1);
  if (second + 1 < text.size()) result.result = text.substr(second + 1);
  return result;
}

std::string turn_field(const std::string& path, std::string_view tag) {
  return "rv:" + path + '~' + std::string(tag);
}

std::optional<TurnResult> seen_from(
    const Graph& graph, const Standpoint& at, int node, const std::string& path,
    const std::function<std::optional<std::string>(const std::string&)>& read) {
  const auto& loops = graph.nodes()[node].loops;
  const Wanted wanted = wanted_of(graph, at, node);
  if (wanted.exact) {
    Turns tag = wanted.leavings;
    tag.insert(tag.end(), wanted.turns.begin(), wanted.turns.end());
    if (const auto own = read(turn_field(path, write_tag(tag)))) return read_turn_result(*own);
  }
  auto tag = read("rt:" + path);
  while (tag) {
    const auto field = read(turn_field(path, *tag));
    if (!field) return std::nullopt;
    TurnResult known = read_turn_result(*field);
    if (!is_beyond(read_tag(*tag), wanted, loops.size())) return known;
    tag = std::move(known.before);
  }
  return std::nullopt;
}

}  // namespace penstock::rules
