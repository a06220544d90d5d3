// SPDX-License-Identifier: MIT
//
// Rosters as programs: select one row for each employee, or send one unit of flow through each
// pattern graph, so that the cover costs the least.
//
// Both programs share their cover rows: people + missing - surplus = required. Costs leave out
// Patterns::unavoidable_cost(), which no roster avoids.
#pragma once

#include <cstddef>
#include <vector>

#include "apps/roster/instance.h"
#include "apps/roster/patterns.h"
#include "apps/roster/program.h"

namespace penstock::roster {

/// The rows of one employee that a program may select from.
using Choices = std::vector<Row>;

/// The rows and slack columns for the cover, at the start of an empty program.
class CoverRows {
 public:
  CoverRows(const Instance& instance, Program& program);
  /// The row of the cover, or -1 when nothing is asked for.
  [[nodiscard]] int row(int day, int shift) const;
  [[nodiscard]] std::vector<Program::Entry> entries(const Row& row) const;

 private:
  std::size_t shifts_;
  std::vector<int> rows_;
};

double request_cost(const Patterns& patterns, int employee, const Row& row);

/// Selects one of each employee's choices. REQUIRES: one non-empty Choices for each employee.
class Selection {
 public:
  Selection(const Instance& instance, const Patterns& patterns, std::vector<Choices> choices);
  [[nodiscard]] const Program& program() const { return program_; }
  [[nodiscard]] Roster roster(const std::vector<double>& values) const;

 private:
  std::vector<Choices> choices_;
  Program program_;
  std::size_t first_choice_ = 0;  ///< The column of the first employee's first row.
};

/// One path through each employee's graph.
class Flow {
 public:
  Flow(const Instance& instance, const Patterns& patterns);
  [[nodiscard]] const Program& program() const { return program_; }
  [[nodiscard]] Roster roster(const std::vector<double>& values) const;

  /// The columns the program would have for its arcs.
  static std::size_t arcs(const Instance& instance, const Patterns& patterns);

 private:
  struct Choice {
    std::size_t employee;
    std::size_t day;
    int shift;
  };
  void add_employee(const CoverRows& cover, const Patterns& patterns, int employee);

  int days_;
  std::size_t employees_;
  Program program_;
  std::size_t first_arc_ = 0;
  std::vector<Choice> arcs_;
};

}  // namespace penstock::roster
