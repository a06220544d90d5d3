// SPDX-License-Identifier: MIT
#pragma once

#include "tests/flows/three_turns.h"

namespace penstock::testing {

/// Joins with inputs from before the loop, and from what leaves it again and again.
class Meetings : public ThreeTurns {
 protected:
  /// A flow in which `join` waits for `beside`, which comes before the loop, too.
  Nodes meet(const Nodes& join) {
    auto begin = flow_.task("begin", [] {});
    begin >> (head_ | flow_.task("beside", [] {}) >> join);
    flow_.start(begin);
    return join;
  }
  /// Appends to the list of its own name what it sees of these.
  Nodes seeing(const std::string& name, const std::vector<std::string>& nodes, int join = 0) {
    const auto sees = [name, nodes](Shared& shared) {
      json seen = json::array();
      for (const std::string& node : nodes) seen.push_back(shared.result(node).value_or(json()));
      shared.append(name, seen);
      return seen;
    };
    return flow_.task(name, sees, {}, {.join = join});
  }
  /// Its result is that of head.
  Nodes telling(const std::string& name) {
    return flow_.task(name, [](int turn) { return turn; }, {"head"});
  }
  std::vector<json> sorted(const std::string& key) {
    auto values = shared(key).get<std::vector<json>>();
    std::ranges::sort(values);
    return values;
  }
};

}  // namespace penstock::testing
