// SPDX-License-Identifier: MIT
//
// A flow as data: what its nodes are and which action leads where. Made by the C++ builder
// (flow.h) and by the YAML loader, kept in the store under the hash of its text, and pinned by
// every run of it. What its graph means: graph.h.
#pragma once

#include "rules/options.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace penstock::rules {

/// Which members of a group, or items of a map, may fail without failing the run.
struct GroupPolicy {
  enum class Kind : std::uint8_t { strict, best_effort, at_least, critical };
  Kind kind = Kind::strict;
  int need = 0;                            ///< For at_least: so many have to succeed.
  std::vector<std::string> critical = {};  ///< For critical: nodes whose failure fails the run.
  friend bool operator==(const GroupPolicy&, const GroupPolicy&) = default;
};

/// A node that is run once for each item of a list.
struct NodeMap {
  std::string over = {};  ///< A path to the list; empty: what the node's own prep returns.
  int parallel = 0;       ///< At most so many items at once; 0: default_map_parallel.
  GroupPolicy policy = {};
  friend bool operator==(const NodeMap&, const NodeMap&) = default;
};

/// A node that waits for somebody, or for a time.
struct Gate {
  enum class Ask : std::uint8_t { approval, text, selection, selections, custom, event, timer };
  Ask ask = Ask::approval;
  std::string prompt = {};
  std::vector<std::string> choices = {};  ///< For selection and selections.
  std::optional<Duration> deadline = {};  ///< After it the action is timed_out; a timer's length.
  friend bool operator==(const Gate&, const Gate&) = default;
};

struct FlowDefinition;

struct FlowEdge {
  std::string action = {};
  std::string target = {};  ///< Empty: the flow ends here (`end`).
  friend bool operator==(const FlowEdge&, const FlowEdge&) = default;
};

struct FlowNode {
  enum class Kind : std::uint8_t {
    task,  ///< A job of `task`: its payload is `with`, its result the node's.
    code,  ///< A job of `task` that is a Node: prep, exec, post.
    gate,
    flow,   ///< The nodes of `body`, with the run's own store.
    child,  ///< A run of `body`, with a store of its own and `with` as its input.
  };
  std::string name = {};
  Kind kind = Kind::task;
  std::string task = {}, queue = "default", pool = {};
  OwnOptions own = {};      ///< Its attempts, back-off, time-out.
  bool local = false;       ///< Runs in the worker that finished the node before it.
  bool prepares = false;    ///< flow: a job of `task` says with which parameters, before its pass.
  bool concludes = false;   ///< flow and mapped code: a job of `task` picks the action, after it.
  int join = 0;             ///< Fires when so many inputs have arrived; 0: all.
  std::string with = {};    ///< JSON text with paths in it.
  std::string when = {};    ///< An expression; false: the node is skipped.
  std::string params = {};  ///< JSON object; params of the flow around it win.
  std::optional<NodeMap> map = {};
  std::optional<Gate> gate = {};
  std::shared_ptr<const FlowDefinition> body = {};
  std::string undo_task = {}, undo_with = {};
  std::vector<FlowEdge> next = {};
};

/// Nodes whose failures are judged together, by the nodes behind them.
struct FlowGroup {
  std::string name = {};
  std::vector<std::string> members = {};
  GroupPolicy policy = {};
  friend bool operator==(const FlowGroup&, const FlowGroup&) = default;
};

struct FlowLimits {
  std::int64_t max_steps = 10'000;
  int max_visits = 0;    ///< Of any one node; 0: only max_steps bounds a loop.
  int max_cycles = 100;  ///< Of a node that asks for another turn of itself.
  std::optional<Duration> timeout = {};
  bool fail_on_missing = false;  ///< An action without an edge fails the run instead of ending it.
  friend bool operator==(const FlowLimits&, const FlowLimits&) = default;
};

struct FlowDefinition {
  std::string flow = {};
  std::string start = {};
  FlowLimits limits = {};
  std::vector<FlowNode> nodes = {};
  std::vector<FlowGroup> groups = {};
};

inline constexpr int default_map_parallel = 100;
inline constexpr std::size_t max_definition_bytes = 1 << 20;
inline constexpr std::size_t max_flow_nodes = 100'000;
inline constexpr int max_flow_depth = 8;  ///< Flows in flows.

/// JSON text; the same definition always gives the same text.
std::string write_definition(const FlowDefinition& definition);
/// Errors: invalid, with the place. It may still be a graph that `compile` refuses.
Result<FlowDefinition> read_definition(std::string_view json);

/// What a definition is kept under: 32 hexadecimal digits of its SHA-256.
std::string content_hash(std::string_view text);

std::string_view to_text(Gate::Ask ask);
std::optional<Gate::Ask> parse_ask(std::string_view text);

}  // namespace penstock::rules
