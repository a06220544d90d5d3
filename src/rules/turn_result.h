// SPDX-License-Identifier: MIT
//
// Which result of a node a step sees, when visits of the node overlap: that of its own line. In a
// loop that is what its own turn has made, else the turn that this one was begun by, and so on;
// behind a loop, what it was left with. What other branches do meanwhile is not seen.
//
//   rv:SCOPE NODE~TAG     VISIT;LEFT|JSON: the result of that turn, no JSON when it failed or was
//                         skipped; and the turns that it was left with of loops that it is behind
//   tp:SCOPE HEADER~TAG   TAG;LEFT of the turn of this loop that came before, in that line
//
// Tags have the turns of loops that branch; in the others there is one token at a time.
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
  std::int64_t visit = 1;
  std::optional<std::string> result = {};  ///< JSON text.
  LeftLoops left = {};
};
std::string write_turn_result(const TurnResult& result);
TurnResult read_turn_result(std::string_view text);

/// Where a step is in its flow.
struct Standpoint {
  int node = -1;
  std::vector<int> tag = {};
  LeftLoops left = {};
};
/// The field of what a node there makes. `scope` is that of the flow.
std::string turn_field(const Graph& graph, const Standpoint& at, const std::string& scope);
/// The field of the turn before that of a loop.
std::string turn_before_field(const Graph& graph, int header, const std::string& scope,
                              const std::vector<int>& tag);
/// What a step sees of `node`, whose visits overlap; nothing: its line has not come there.
/// `read` gives a field of the run.
std::optional<TurnResult> seen_from(
    const Graph& graph, const Standpoint& at, int node, const std::string& scope,
    const std::function<std::optional<std::string>(const std::string&)>& read);

}  // namespace penstock::rules
