// SPDX-License-Identifier: MIT
//
// What a node's job left when it ended: the value that `advance` decides on. Made by the worker,
// in one piece, so that it can be decided on again when the run has changed meanwhile.
#pragma once

#include "rules/node_ticket.h"
#include "rules/run_change.h"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace penstock::rules {

/// A node that is to run beside, or instead of, those that the edges name.
struct NextNode {
  std::string node = {};
  bool instead = false;
};

struct NodeReport {
  enum class End : std::uint8_t {
    succeeded,
    failed,   ///< For good.
    skipped,  ///< Its `when` was false.
    again,    ///< Will be tried again: only `prepared` is kept.
    dropped,  ///< Never ran, because the run was over.
  };
  Place place = {};
  Phase phase = Phase::main;
  std::vector<int> tag = {};
  PassedJoins passed = {};
  bool late = false;  ///< Its run was to have ended by then.
  End end = End::succeeded;
  std::string action = "default";
  std::string result = "null";  ///< JSON text.
  std::string error = {};
  std::optional<std::string> prepared = {};  ///< What prep returned, for the retry.
  std::string kept_writes = {};              ///< What prep wrote and locked, for the retry.
  std::vector<std::string> kept_locks = {};  ///< What it locked, which the retry takes over.

  // What it wrote to the run's shared store, folded: at most one of each a key.
  std::vector<RunField> set = {};
  std::vector<RunAdd> add = {};
  std::vector<RunAppend> append = {};

  // Dynamic steps.
  std::vector<NextNode> next = {};
  std::optional<std::string> iterate = {};    ///< The node again, with this JSON text.
  std::optional<std::string> terminate = {};  ///< The run ends here and has succeeded: why.
  std::optional<std::string> cancel = {};     ///< The run ends here, cancelled: why.

  std::vector<std::string> locks =
      {};  ///< Fields of locks that it held: free again, however it ends.

  /// A map's list, staged in fields of the run: so many items.
  std::optional<std::int64_t> items = {};
  std::string stage = {};  ///< The name under which they are staged.
  /// A run inside: its own id, its input.
  std::string child = {}, child_input = {};
  std::string inside = {};  ///< The run inside that has ended.

  // For runs' histories.
  std::string worker = {}, job = {};
  int attempt = 1;
  std::optional<Time> started_at = {};

  /// Local nodes that ran behind it, in their order.
  std::vector<NodeReport> local = {};
};

}  // namespace penstock::rules
