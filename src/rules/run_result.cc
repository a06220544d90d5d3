// SPDX-License-Identifier: MIT
//
// What a node leaves behind: what it did to the shared store, its result, and the turns that it
// begins.
#include "rules/json.h"
#include "rules/loop_exits.h"
#include "rules/run_step.h"
#include "rules/turn_result.h"

namespace penstock::rules {

// What the node did to the shared store.
void RunStep::commit(const NodeReport& report) {
  for (const RunField& field : report.set) {
    if (field.value) {
      edit_.write(field.name, *field.value);
    } else {
      edit_.erase(field.name);
    }
  }
  for (const RunAdd& add : report.add) edit_.add(add);
  for (const RunAppend& append : report.append) edit_.append(append.list, append.value);
}

// A retry of a group runs a map again: an item may have ended otherwise before.
void RunStep::forget_item(const NodeReport& report, const Token& token, JobState state) {
  if (!token.spot.graph->nodes()[token.node].tolerated) return;
  if (state == JobState::succeeded) edit_.erase("n:" + write_place(report.place));
  if (state == JobState::failed) {
    edit_.erase(item_result(map_of(report.place), report.place.back().item));
  }
}

// One that failed or was skipped has no result, whatever its visit before had.
void RunStep::put_result(const Token& token, const Place& place,
                         std::optional<std::string> result) {
  if (place.back().item >= 0) return;
  const std::string path = node_path(place);
  if (result) {
    edit_.write("r:" + path, *result);
  } else if (place.back().visit > 1) {
    // A retry sees what the first try saw.
    keep_for_retry("r:" + path);
    edit_.erase("r:" + path);
  }
  const Graph& graph = *token.spot.graph;
  if (!graph.nodes()[token.node].overlaps) return;
  TurnResult made{.visit = place.back().visit, .result = std::move(result)};
  for (const auto& [header, turns] : token.left) {
    // Of loops in each other the outer: lines that left it in one turn may meet again.
    const bool is_outermost = std::ranges::none_of(token.left, [&](const auto& other) {
      const auto& around = graph.nodes()[header].loops;
      return other.first != header && graph.is_apart(other.first, token.node) &&
             std::ranges::find(around, other.first) != around.end();
    });
    if (is_outermost && graph.is_apart(header, token.node)) made.left[header] = turns;
  }
  const std::string field =
      turn_field(graph, {.node = token.node, .tag = token.tag}, token.spot.scope);
  if (!made.result && made.visit > 1) keep_for_retry(field);
  edit_.write(field, write_turn_result(made));
}

void RunStep::bring_back_result(const Token& token, const Place& place) {
  // What was only held back has lost nothing.
  if (about_of(write_place(place))["state"] !=
      JsonWriter().text(to_text(JobState::failed)).take()) {
    return;
  }
  const std::string path = node_path(place);
  if (auto before = edit_.read("rf:r:" + path)) edit_.write("r:" + path, *std::move(before));
  edit_.erase("rf:r:" + path);
  const Graph& graph = *token.spot.graph;
  if (!graph.nodes()[token.node].overlaps) return;
  // In a loop that does not branch, behind one that does, it is that of the turn before.
  const std::string field =
      turn_field(graph, {.node = token.node, .tag = token.tag}, token.spot.scope);
  auto before = edit_.read("rf:" + field);
  edit_.erase(field);
  if (before) edit_.write(field, *std::move(before));
  edit_.erase("rf:" + field);
}

void RunStep::keep_for_retry(const std::string& field) {
  auto before = edit_.read(field);
  edit_.erase("rf:" + field);
  if (before) edit_.write("rf:" + field, *std::move(before));
}

// Another turn of a loop that branches. Its number is its own in the run: turns that two branches
// begin are two, and so are those of lines that have left other loops.
std::vector<int> RunStep::next_turn(const Token& token, const Graph::Edge& edge) {
  const Graph& graph = *token.spot.graph;
  if (!graph.branches(edge.to)) return target_tag(graph, edge, token.tag);
  const std::size_t loops = graph.nodes()[edge.to].loops.size();
  std::vector<int> tag = at_home(graph, edge.to, outer_tag(token, loops - 1), loops - 1);
  const std::string count = "lc:" + token.spot.scope + graph.nodes()[edge.to].node->name;
  tag.push_back(static_cast<int>(edit_.read_number(count, 1)) + 1);
  edit_.write_number(count, tag.back());
  edit_.write(turn_before_field(graph, edge.to, token.spot.scope, tag),
              write_tag(outer_tag(token, loops), token.left));
  return tag;
}

// The first turn of a loop comes after the last one in which its line was there before.
void RunStep::enter(const Token& token) {
  const auto left = token.left.find(token.node);
  const bool begins = !token.tag.empty() && token.tag.back() == 1;
  if (left == token.left.end() || !begins || !token.spot.graph->is_header(token.node)) return;
  edit_.write(turn_before_field(*token.spot.graph, token.node, token.spot.scope, token.tag),
              write_tag(left->second, token.left));
}

}  // namespace penstock::rules
