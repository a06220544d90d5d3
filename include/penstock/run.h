// SPDX-License-Identifier: MIT
//
// A run of a flow as a reader sees it, and what can be said to one. Plain values.
#pragma once

#include <penstock/clock.h>

#include <compare>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace penstock {

/// Names one run for ever: made by the engine, or the starter's own id (1-64 of [A-Za-z0-9._:-]).
struct RunId {
  std::string text = {};
  friend auto operator<=>(const RunId&, const RunId&) = default;
};

/// What became of one instance of a node.
struct RunNode {
  std::string node = {};  ///< Its place: NODE, behind the flows that it lies in.
  int visit = 1;
  /// ready scheduled running waiting succeeded failed skipped cancelled compensating (its undo is
  /// under way) compensated, or parked: held back when the run failed, a retry lets it go on.
  std::string state = {};
  std::string job = {}, action = {}, worker = {}, error = {};
  int attempt = 0;
  std::optional<Time> started_at = {}, finished_at = {};
  std::string waits_for = {};             ///< approval, timer, run, ...
  std::string prompt = {};                ///< Of a gate.
  std::vector<std::string> choices = {};  ///< Of a gate that has some.
  std::optional<Time> until = {};         ///< When a timer fires, or a gate's deadline.
  std::string inside = {};                ///< The run that it waits for.
  std::optional<std::int64_t> items = {}, done = {}, items_failed = {};  ///< Of a map.
};

struct Run {
  RunId id = {};
  std::string flow = {}, version = {};
  std::string state =
      {};  ///< running waiting failing compensating succeeded failed cancelled compensated
  std::string input = "null";
  std::optional<std::string> output = {};  ///< JSON text.
  std::string error = {};
  std::string parent = {};       ///< RUN|PLACE that started it.
  std::string forked_from = {};  ///< RUN|PLACE: it went on where that run was before this place.
  std::int64_t steps = 0;        ///< Nodes that have fired.
  Time created_at{};
  std::optional<Time> started_at = {};  ///< When its first node began.
  std::optional<Time> finished_at = {};
  std::vector<RunNode> nodes = {};        ///< Not in lists.
  std::vector<std::string> history = {};  ///< JSON texts {at_ms, text}; not in lists.
  /// Nothing more will happen to it.
  [[nodiscard]] bool ended() const { return finished_at.has_value(); }
};

struct RunOptions {
  std::string id = {};  ///< An own id: the same again answers with the run that has it.
};

/// Which runs to list: empty is any.
struct RunFilter {
  std::string state = {};  ///< As Run::state in a list has it: one that waits is running there.
  std::string flow = {};
};

/// A new run that goes on where another one was before `node` ended.
struct ForkSpec {
  RunId run = {};
  std::string node = {};                        ///< As it is shown, or NODE#VISIT, MAP#VISIT[ITEM].
  std::map<std::string, std::string> set = {};  ///< Keys of the shared store and their JSON text.
};

}  // namespace penstock
