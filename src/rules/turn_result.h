// SPDX-License-Identifier: MIT
//
// Which result of a node a step sees, when visits of the node overlap: that of its own line. In a
// loop, and behind it, that is what its own turn has made, else the turn that this one was begun
// by, and so on; behind a join with inputs from before the loop, what the inputs from it have seen.
// What other branches do meanwhile is not seen.
//
//   rv:SCOPE NODE~TAG     VISIT|JSON: the result of that turn; no JSON when it failed
//   tp:SCOPE HEADER~TAG   NODE.TAG;PASSED of what has begun this turn of the loop
//   lm:SCOPE EDGE~TAG     a meeting: what came to a join with other inputs by this edge
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
};
std::string write_turn_result(const TurnResult& result);
TurnResult read_turn_result(std::string_view text);

/// Where a step is in its flow.
struct Standpoint {
  int node = -1;
  std::vector<int> tag = {};
  PassedJoins passed = {};
};
std::string write_standpoint(const Standpoint& at);
Standpoint read_standpoint(std::string_view text);

/// The field of what a node there makes. `scope` is that of the flow.
std::string turn_field(const Graph& graph, const Standpoint& at, const std::string& scope);
/// The field of what has begun that turn of a loop.
std::string turn_before_field(const Graph& graph, int header, const std::string& scope,
                              const std::vector<int>& tag);
/// What came by an edge to where other inputs come, which counts once: TAG;PASSED of its source;
/// with a - before it, of what has passed that edge by, so far; with a = nothing will come any
/// more.
class Meeting {
 public:
  explicit Meeting(const std::optional<std::string>& field) : text_(field.value_or("-")) {}
  static std::string taken(const std::vector<int>& tag, const PassedJoins& passed) {
    return write_tag(tag, passed);
  }
  static std::string not_yet(const std::vector<int>& tag, const PassedJoins& passed) {
    return '-' + write_tag(tag, passed);
  }
  static std::string never(const Meeting& known) { return '=' + known.source(); }

  [[nodiscard]] bool is_over() const { return !text_.starts_with('-'); }
  [[nodiscard]] bool is_taken() const { return is_over() && !text_.starts_with('='); }
  /// Empty: nothing has been there.
  [[nodiscard]] std::string source() const { return is_taken() ? text_ : text_.substr(1); }

 private:
  std::string text_;
};
/// Its field. `tag` is that of the target, without the turn of a loop that begins there.
std::string meeting_field(const Graph& graph, int edge, const std::string& scope,
                          std::vector<int> tag);
/// What a step sees of `node`, whose visits overlap; nothing: its line has not come there.
/// `read` gives a field of the run.
std::optional<TurnResult> seen_from(
    const Graph& graph, const Standpoint& at, int node, const std::string& scope,
    const std::function<std::optional<std::string>(const std::string&)>& read);

}  // namespace penstock::rules
