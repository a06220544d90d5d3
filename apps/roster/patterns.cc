// SPDX-License-Identifier: MIT
#include "apps/roster/patterns.h"

#include <array>
#include <limits>
#include <utility>

namespace penstock::roster {
namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();
constexpr std::size_t most_states = 1'500'000;

DayCosts closed_cells(const Instance& instance, int employee) {
  DayCosts costs(instance.days, instance.shift_count());
  for (int day = 0; day < instance.days; ++day) {
    for (int shift = 0; shift < instance.shift_count(); ++shift) {
      if (instance.cell(employee, day, shift) != Cell::open) costs.at(day, shift) = infinite;
    }
  }
  return costs;
}

bool any_row(const Instance& instance, const Limits& limits, const DayCosts& costs) {
  const auto graph = PatternGraph::build(instance, limits, most_states);
  return graph && graph->count(costs) > 0;
}

}  // namespace

Result<Patterns> Patterns::make(const Instance& instance) {
  Patterns patterns(instance);
  for (int e = 0; e < instance.employee_count(); ++e) {
    const Employee& employee = instance.employees[static_cast<std::size_t>(e)];
    std::shared_ptr<const PatternGraph> graph;
    for (int other = 0; other < e && !graph; ++other) {
      if (instance.employees[static_cast<std::size_t>(other)].limits == employee.limits) {
        graph = patterns.graphs_[static_cast<std::size_t>(other)];
      }
    }
    if (!graph) {
      auto built = PatternGraph::build(instance, employee.limits, most_states);
      if (!built) {
        return Error{built.error().code, "employee " + employee.id + ": " + built.error().message};
      }
      graph = std::make_shared<const PatternGraph>(*std::move(built));
    }
    patterns.graphs_.push_back(std::move(graph));
    patterns.request_costs_.push_back(closed_cells(instance, e));
  }
  for (const Request& request : instance.requests) {
    DayCosts& costs = patterns.request_costs_[static_cast<std::size_t>(request.employee)];
    const auto weight = static_cast<double>(request.weight);
    costs.at(request.day, request.shift) += request.wish == Wish::work ? -weight : weight;
    if (request.wish == Wish::work) patterns.unavoidable_cost_ += request.weight;
  }
  return patterns;
}

std::string Patterns::explain_none(int employee) const {
  const Employee& who = instance_->employees[static_cast<std::size_t>(employee)];
  struct Relaxation {
    const char* name;
    void (*apply)(Limits& limits);
  };
  static constexpr std::array<Relaxation, 7> relaxations{{
      {"the maximum of each shift",
       [](Limits& l) { l.max_shifts.assign(l.max_shifts.size(), unlimited); }},
      {"the maximum of minutes", [](Limits& l) { l.max_minutes = unlimited; }},
      {"the minimum of minutes", [](Limits& l) { l.min_minutes = 0; }},
      {"the maximum of consecutive shifts", [](Limits& l) { l.max_consecutive = unlimited; }},
      {"the minimum of consecutive shifts", [](Limits& l) { l.min_consecutive = 1; }},
      {"the minimum of consecutive days off", [](Limits& l) { l.min_days_off = 1; }},
      {"the maximum of weekends", [](Limits& l) { l.max_weekends = unlimited; }},
  }};
  const DayCosts closed = closed_cells(*instance_, employee);
  std::string culprits;
  const auto add = [&culprits](const std::string& name) {
    culprits += (culprits.empty() ? "" : " or ") + name;
  };
  for (const Relaxation& relaxation : relaxations) {
    Limits limits = who.limits;
    relaxation.apply(limits);
    if (!(limits == who.limits) && any_row(*instance_, limits, closed)) add(relaxation.name);
  }
  const DayCosts open(instance_->days, instance_->shift_count());
  if (any_row(*instance_, who.limits, open)) add("the days off");
  const std::string start = "employee " + who.id + " has no row that keeps every rule; ";
  if (culprits.empty()) return start + "no single rule is to blame, relax two or more";
  return start + "it would have one without " + culprits;
}

Result<std::vector<Row>> enumerate_patterns(const Instance& instance, int employee,
                                            std::size_t most) {
  const Employee& who = instance.employees[static_cast<std::size_t>(employee)];
  const auto graph = PatternGraph::build(instance, who.limits, most_states);
  if (!graph) return graph.error();
  auto found = graph->within(closed_cells(instance, employee), 0, most);
  if (!found) {
    return Error{Errc::too_large, "employee " + who.id + " has more than " + std::to_string(most) +
                                      " patterns; price them instead of listing them"};
  }
  std::vector<Row> rows;
  rows.reserve(found->size());
  for (PricedRow& priced : *found) rows.push_back(std::move(priced.row));
  return rows;
}

}  // namespace penstock::roster
