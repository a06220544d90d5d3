// SPDX-License-Identifier: MIT
#include "apps/roster/pattern_graph.h"

#include <algorithm>
#include <limits>
#include <string>
#include <unordered_map>
#include <utility>

#include "apps/roster/row_state.h"

namespace penstock::roster {
namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();

using Layers = std::vector<PatternGraph::Layer>;

/// Removes states and arcs that reach no end, from the last layer to the first.
void prune(Layers& layers) {
  std::vector<int> renumbered;
  for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer) {
    const bool last = layer == layers.rbegin();
    PatternGraph::Layer kept;
    std::vector<int> names(layer->states(), -1);
    kept.first_arc.push_back(0);
    for (std::size_t state = 0; state < layer->states(); ++state) {
      for (std::size_t a = layer->first_arc[state]; a < layer->first_arc[state + 1]; ++a) {
        PatternGraph::Arc arc = layer->arcs[a];
        if (!last) arc.target = renumbered[static_cast<std::size_t>(arc.target)];
        if (arc.target >= 0) kept.arcs.push_back(arc);
      }
      if (kept.arcs.size() == kept.first_arc.back()) continue;
      names[state] = static_cast<int>(kept.states());
      kept.first_arc.push_back(kept.arcs.size());
    }
    *layer = std::move(kept);
    renumbered = std::move(names);
  }
}

}  // namespace

Result<PatternGraph> PatternGraph::build(const Instance& instance, const Limits& limits,
                                         std::size_t most_states) {
  const RowRules rules(instance, limits);
  PatternGraph graph;
  std::vector<RowState> states{rules.start()};
  std::size_t total = 0;
  for (int day = 0; day < instance.days; ++day) {
    const bool last = day + 1 == instance.days;
    std::unordered_map<RowState, int, RowStateHash> names;
    std::vector<RowState> next;
    Layer layer;
    layer.first_arc.push_back(0);
    for (const RowState& state : states) {
      for (int shift = off; shift < instance.shift_count(); ++shift) {
        auto after = rules.step(state, day, shift);
        if (!after || (last && !rules.accepts(*after))) continue;
        if (last) {
          layer.arcs.push_back({shift, 0});
          continue;
        }
        const auto [name, is_new] = names.emplace(std::move(*after), static_cast<int>(next.size()));
        if (is_new) next.push_back(name->first);
        layer.arcs.push_back({shift, name->second});
      }
      layer.first_arc.push_back(layer.arcs.size());
    }
    graph.layers_.push_back(std::move(layer));
    states = std::move(next);
    total += states.size();
    if (total > most_states) {
      return Error{Errc::too_large, "the limits leave more than " + std::to_string(most_states) +
                                        " states to search; use fewer days or simpler limits"};
    }
  }
  prune(graph.layers_);
  return graph;
}

std::uint64_t PatternGraph::count(const DayCosts& costs) const {
  constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
  if (empty()) return 0;
  std::vector<std::uint64_t> after{1};
  for (std::size_t d = layers_.size(); d-- > 0;) {
    const Layer& layer = layers_[d];
    std::vector<std::uint64_t> ways(layer.states(), 0);
    for (std::size_t state = 0; state < layer.states(); ++state) {
      for (std::size_t a = layer.first_arc[state]; a < layer.first_arc[state + 1]; ++a) {
        if (costs.at(static_cast<int>(d), layer.arcs[a].shift) == infinite) continue;
        const std::uint64_t more = after[static_cast<std::size_t>(layer.arcs[a].target)];
        ways[state] = ways[state] > most - more ? most : ways[state] + more;
      }
    }
    after = std::move(ways);
  }
  return after.front();
}

PatternGraph::Distances PatternGraph::distances_to_end(const DayCosts& costs) const {
  Distances distances(layers_.size() + 1);
  distances.back().push_back(0);
  for (std::size_t d = layers_.size(); d-- > 0;) {
    const Layer& layer = layers_[d];
    const auto& after = distances[d + 1];
    auto& here = distances[d];
    here.assign(layer.states(), infinite);
    for (std::size_t state = 0; state < layer.states(); ++state) {
      for (std::size_t a = layer.first_arc[state]; a < layer.first_arc[state + 1]; ++a) {
        const Arc& arc = layer.arcs[a];
        const double cost =
            costs.at(static_cast<int>(d), arc.shift) + after[static_cast<std::size_t>(arc.target)];
        here[state] = std::min(here[state], cost);
      }
    }
  }
  return distances;
}

std::optional<PricedRow> PatternGraph::cheapest(const DayCosts& costs) const {
  if (empty()) return std::nullopt;
  const Distances distances = distances_to_end(costs);
  PricedRow best;
  best.cost = distances[0][0];
  if (best.cost == infinite) return std::nullopt;
  std::size_t state = 0;
  for (std::size_t d = 0; d < layers_.size(); ++d) {
    const Layer& layer = layers_[d];
    const Arc* chosen = nullptr;
    double least = infinite;
    for (std::size_t a = layer.first_arc[state]; a < layer.first_arc[state + 1]; ++a) {
      const Arc& arc = layer.arcs[a];
      const double cost = costs.at(static_cast<int>(d), arc.shift) +
                          distances[d + 1][static_cast<std::size_t>(arc.target)];
      if (cost < least) {
        least = cost;
        chosen = &arc;
      }
    }
    best.row.push_back(chosen->shift);
    state = static_cast<std::size_t>(chosen->target);
  }
  return best;
}

std::optional<std::vector<PricedRow>> PatternGraph::within(const DayCosts& costs, double limit,
                                                           std::size_t most) const {
  std::vector<PricedRow> found;
  if (empty()) return found;
  const Distances distances = distances_to_end(costs);
  if (distances[0][0] > limit || distances[0][0] == infinite) return found;
  struct Step {
    std::size_t state;
    std::size_t next_arc;
    double cost;
  };
  std::vector<Step> path{{0, layers_[0].first_arc[0], 0}};
  Row row;
  while (!path.empty()) {
    const std::size_t d = path.size() - 1;
    Step& step = path.back();
    if (step.next_arc == layers_[d].first_arc[step.state + 1]) {
      path.pop_back();
      if (!row.empty()) row.pop_back();
      continue;
    }
    const Arc& arc = layers_[d].arcs[step.next_arc++];
    const double cost = step.cost + costs.at(static_cast<int>(d), arc.shift);
    const double total = cost + distances[d + 1][static_cast<std::size_t>(arc.target)];
    if (total > limit || total == infinite) continue;
    row.push_back(arc.shift);
    if (d + 1 < layers_.size()) {
      const auto target = static_cast<std::size_t>(arc.target);
      path.push_back({target, layers_[d + 1].first_arc[target], cost});
      continue;
    }
    if (found.size() == most) return std::nullopt;
    found.push_back({row, total});
    row.pop_back();
  }
  return found;
}

}  // namespace penstock::roster
