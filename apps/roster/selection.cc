// SPDX-License-Identifier: MIT
#include "apps/roster/selection.h"

#include <limits>
#include <utility>

namespace penstock::roster {
namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();

}  // namespace

CoverRows::CoverRows(const Instance& instance, Program& program)
    : shifts_(instance.shifts.size()),
      rows_(static_cast<std::size_t>(instance.days) * shifts_, -1) {
  for (const Cover& cover : instance.covers) {
    const int row = program.add_row(cover.required, cover.required);
    rows_[static_cast<std::size_t>(cover.day) * shifts_ + static_cast<std::size_t>(cover.shift)] =
        row;
    program.add_column(static_cast<double>(cover.under), cover.required, {{row, 1.0}});
    if (cover.exact) continue;
    program.add_column(static_cast<double>(cover.over), instance.employee_count(), {{row, -1.0}});
  }
}

int CoverRows::row(int day, int shift) const {
  if (shift == off) return -1;
  return rows_[static_cast<std::size_t>(day) * shifts_ + static_cast<std::size_t>(shift)];
}

std::vector<Program::Entry> CoverRows::entries(const Row& row) const {
  std::vector<Program::Entry> entries;
  for (std::size_t day = 0; day < row.size(); ++day) {
    const int cover = this->row(static_cast<int>(day), row[day]);
    if (cover >= 0) entries.push_back({cover, 1.0});
  }
  return entries;
}

double request_cost(const Patterns& patterns, int employee, const Row& row) {
  const DayCosts& costs = patterns.request_costs(employee);
  double cost = 0;
  for (std::size_t day = 0; day < row.size(); ++day) {
    cost += costs.at(static_cast<int>(day), row[day]);
  }
  return cost;
}

Selection::Selection(const Instance& instance, const Patterns& patterns,
                     std::vector<Choices> choices)
    : choices_(std::move(choices)) {
  const CoverRows cover(instance, program_);
  first_choice_ = static_cast<std::size_t>(program_.columns());
  for (int employee = 0; employee < instance.employee_count(); ++employee) {
    const int one = program_.add_row(1, 1);
    for (const Row& row : choices_[static_cast<std::size_t>(employee)]) {
      auto entries = cover.entries(row);
      entries.push_back({one, 1.0});
      program_.add_column(request_cost(patterns, employee, row), 1, entries);
    }
  }
}

Roster Selection::roster(const std::vector<double>& values) const {
  Roster roster;
  std::size_t column = first_choice_;
  for (const Choices& rows : choices_) {
    roster.push_back(rows.front());
    for (const Row& row : rows) {
      if (values[column++] > 0.5) roster.back() = row;
    }
  }
  return roster;
}

std::size_t Flow::arcs(const Instance& instance, const Patterns& patterns) {
  std::size_t total = 0;
  for (int employee = 0; employee < instance.employee_count(); ++employee) {
    for (const auto& layer : patterns.graph(employee).layers()) total += layer.arcs.size();
  }
  return total;
}

Flow::Flow(const Instance& instance, const Patterns& patterns)
    : days_(instance.days), employees_(instance.employees.size()) {
  const CoverRows cover(instance, program_);
  first_arc_ = static_cast<std::size_t>(program_.columns());
  for (int employee = 0; employee < instance.employee_count(); ++employee) {
    add_employee(cover, patterns, employee);
  }
}

void Flow::add_employee(const CoverRows& cover, const Patterns& patterns, int employee) {
  const auto& layers = patterns.graph(employee).layers();
  const DayCosts& costs = patterns.request_costs(employee);
  // The program row of each state; -1 while no open arc has reached it.
  std::vector<int> nodes{program_.add_row(1, 1)};
  for (std::size_t d = 0; d < layers.size(); ++d) {
    const int day = static_cast<int>(d);
    const bool last = d + 1 == layers.size();
    std::vector<int> next(last ? 0 : layers[d + 1].states(), -1);
    for (std::size_t state = 0; state < layers[d].states(); ++state) {
      if (nodes[state] < 0) continue;
      for (std::size_t a = layers[d].first_arc[state]; a < layers[d].first_arc[state + 1]; ++a) {
        const PatternGraph::Arc& arc = layers[d].arcs[a];
        const double cost = costs.at(day, arc.shift);
        if (cost == infinite) continue;
        std::vector<Program::Entry> entries{{nodes[state], 1.0}};
        if (!last) {
          int& target = next[static_cast<std::size_t>(arc.target)];
          if (target < 0) target = program_.add_row(0, 0);
          entries.push_back({target, -1.0});
        }
        const int row = cover.row(day, arc.shift);
        if (row >= 0) entries.push_back({row, 1.0});
        program_.add_column(cost, 1, entries);
        arcs_.push_back({static_cast<std::size_t>(employee), d, arc.shift});
      }
    }
    nodes = std::move(next);
  }
}

Roster Flow::roster(const std::vector<double>& values) const {
  Roster roster(employees_, Row(static_cast<std::size_t>(days_), off));
  for (std::size_t a = 0; a < arcs_.size(); ++a) {
    if (values[first_arc_ + a] > 0.5) roster[arcs_[a].employee][arcs_[a].day] = arcs_[a].shift;
  }
  return roster;
}

}  // namespace penstock::roster
