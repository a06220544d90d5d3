// SPDX-License-Identifier: MIT
//
// Every row that keeps one employee's Limits, as paths through a layered graph.
//
// Layer d holds what must be remembered after d days: the kind and length of the current run, the
// minutes, the weekends and the counts that can still bind. An arc works a shift (or rests) on day
// d. States from which no end is reachable are removed, so every path is a feasible row. Cells and
// costs are no part of the graph: they come as DayCosts, so that employees with equal limits share
// one graph. The solver enumerates paths, prices them and builds flow models from it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include <penstock/result.h>
#include "apps/roster/instance.h"

namespace penstock::roster {

/// The cost of each choice on each day; infinite where the choice is forbidden.
class DayCosts {
 public:
  DayCosts(int days, int shifts)
      : width_(shifts + 1),
        costs_(static_cast<std::size_t>(days) * static_cast<std::size_t>(shifts + 1)) {}

  /// `shift` is an index or `off`.
  double& at(int day, int shift) { return costs_[index(day, shift)]; }
  [[nodiscard]] double at(int day, int shift) const { return costs_[index(day, shift)]; }

 private:
  [[nodiscard]] std::size_t index(int day, int shift) const {
    return static_cast<std::size_t>(day) * static_cast<std::size_t>(width_) +
           static_cast<std::size_t>(shift + 1);
  }
  int width_;
  std::vector<double> costs_;
};

struct PricedRow {
  Row row;
  double cost = 0;
};

/// Immutable after build; any number of threads may read one.
class PatternGraph {
 public:
  struct Arc {
    int shift = off;
    int target = 0;  ///< A state of the next layer.
  };
  struct Layer {
    std::vector<std::size_t> first_arc;  ///< One more than there are states.
    std::vector<Arc> arcs;
    [[nodiscard]] std::size_t states() const { return first_arc.size() - 1; }
  };

  /// Errc::too_large when a graph of more than `most_states` states would be needed.
  static Result<PatternGraph> build(const Instance& instance, const Limits& limits,
                                    std::size_t most_states);

  /// No row keeps the limits.
  [[nodiscard]] bool empty() const { return layers_.front().states() == 0; }
  /// One layer for each day; the arcs of the last one lead to state 0, the end.
  [[nodiscard]] const std::vector<Layer>& layers() const { return layers_; }

  /// How many rows have a finite cost; stops counting at the largest number.
  [[nodiscard]] std::uint64_t count(const DayCosts& costs) const;

  /// The cheapest row; nothing when none has a finite cost.
  [[nodiscard]] std::optional<PricedRow> cheapest(const DayCosts& costs) const;

  /// Every row that costs at most `limit`; nothing when they are more than `most`.
  [[nodiscard]] std::optional<std::vector<PricedRow>> within(const DayCosts& costs, double limit,
                                                             std::size_t most) const;

 private:
  using Distances = std::vector<std::vector<double>>;
  [[nodiscard]] Distances distances_to_end(const DayCosts& costs) const;

  std::vector<Layer> layers_;
};

}  // namespace penstock::roster
