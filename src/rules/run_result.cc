// SPDX-License-Identifier: MIT
//
// What a node leaves behind: what it did to the shared store, its result, and the turns that it
// begins.
#include "rules/graph_heads.h"
#include "rules/json.h"
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
  const TurnResult made{.visit = place.back().visit, .result = std::move(result)};
  const std::string field =
      turn_field(graph, {.node = token.node, .tag = token.tag}, token.spot.scope);
  if (!made.result && made.visit > 1) keep_for_retry(field);
  edit_.write(field, write_turn_result(made));
}

void RunStep::bring_back_result(const Token& token, const Place& place) {
  const Graph& graph = *token.spot.graph;
  // What was only held back has lost nothing, nor what has failed the run.
  if (!graph.nodes()[token.node].tolerated) return;
  if (about_of(write_place(place))["state"] !=
      JsonWriter().text(to_text(JobState::failed)).take()) {
    return;
  }
  const std::string path = node_path(place);
  if (auto before = edit_.read("rf:r:" + path)) edit_.write("r:" + path, *std::move(before));
  edit_.erase("rf:r:" + path);
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
// begin are two.
std::vector<int> RunStep::next_turn(const Token& token, int e) {
  const Graph& graph = *token.spot.graph;
  const Graph::Edge& edge = graph.edges()[e];
  if (!graph.branches(edge.to)) return target_tag(token, e);
  std::vector<int> tag = at_home(graph, edge.to, cut_tag(token, edge.keeps - 1), edge.keeps - 1);
  const std::string count = "lc:" + token.spot.scope + graph.nodes()[edge.to].node->name;
  tag.push_back(static_cast<int>(edit_.read_number(count, 1)) + 1);
  edit_.write_number(count, tag.back());
  edit_.write(turn_before_field(graph, edge.to, token.spot.scope, tag),
              write_standpoint({.node = token.node, .tag = token.tag, .passed = token.passed}));
  return tag;
}

}  // namespace penstock::rules
