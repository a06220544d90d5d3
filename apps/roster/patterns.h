// SPDX-License-Identifier: MIT
//
// The rows each employee may work: the shared pattern graphs, the open cells and the requests.
//
// A pattern is a Row that keeps every hard rule that concerns one employee alone. Built once for a
// solve; see pattern_graph.h for how rows are found.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <penstock/result.h>
#include "apps/roster/instance.h"
#include "apps/roster/pattern_graph.h"

namespace penstock::roster {

class Patterns {
 public:
  /// Errc::too_large, naming the employee, when the limits leave too many states to search.
  /// Keeps a reference to `instance`.
  static Result<Patterns> make(const Instance& instance);

  [[nodiscard]] const PatternGraph& graph(int employee) const {
    return *graphs_[static_cast<std::size_t>(employee)];
  }
  /// The cost of the employee's requests for each choice; infinite where a cell is not open.
  [[nodiscard]] const DayCosts& request_costs(int employee) const {
    return request_costs_[static_cast<std::size_t>(employee)];
  }
  /// The part of the request costs that no choice can avoid: the weights of all wishes to work.
  /// request_costs() counts a granted wish as a saving against it.
  [[nodiscard]] std::int64_t unavoidable_cost() const { return unavoidable_cost_; }

  [[nodiscard]] std::uint64_t count(int employee) const {
    return graph(employee).count(request_costs(employee));
  }

  /// Why the employee has no pattern: the single rules without which there would be one.
  /// REQUIRES: count(employee) == 0.
  [[nodiscard]] std::string explain_none(int employee) const;

 private:
  explicit Patterns(const Instance& instance) : instance_(&instance) {}

  const Instance* instance_;
  // Shared by every employee with equal limits.
  std::vector<std::shared_ptr<const PatternGraph>> graphs_;
  std::vector<DayCosts> request_costs_;
  std::int64_t unavoidable_cost_ = 0;
};

/// All patterns of one employee, in a fixed order. Errc::too_large when they are more than `most`.
Result<std::vector<Row>> enumerate_patterns(const Instance& instance, int employee,
                                            std::size_t most = 200'000);

}  // namespace penstock::roster
