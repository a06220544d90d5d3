// SPDX-License-Identifier: MIT
//
// Which result of a node a step sees, when visits of the node overlap: that of its own turn of the
// loops around both; of a loop that it has left, that of the turn in which it left. A node that has
// not run in that turn is seen as it was left by an earlier one, never by a later one.
//
//   rv:SCOPE NODE~TAG   BEFORE|VISIT|JSON: the result of that turn, no JSON when it failed or was
//                       skipped; BEFORE is the tag of the turn that was recorded before it
//   rt:SCOPE NODE       the tag of the turn that was recorded last
#pragma once

#include "rules/graph.h"
#include "rules/node_ticket.h"

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::rules {

struct TurnResult {
  std::optional<std::string> before = {};  ///< A tag; nothing: it was the first.
  std::int64_t visit = 1;
  std::optional<std::string> result = {};  ///< JSON text.
};
std::string write_turn_result(const TurnResult& result);
TurnResult read_turn_result(std::string_view text);
/// `path`: the node behind its scope.
std::string turn_field(const std::string& path, std::string_view tag);

/// Where a step is in its flow.
struct Standpoint {
  int node = -1;
  std::vector<int> tag = {};
  LeftLoops left = {};
};
/// What it sees of `node`, whose visits overlap; nothing: none of its turns has come so far.
/// `read` gives a field of the run.
std::optional<TurnResult> seen_from(
    const Graph& graph, const Standpoint& at, int node, const std::string& path,
    const std::function<std::optional<std::string>(const std::string&)>& read);

}  // namespace penstock::rules
