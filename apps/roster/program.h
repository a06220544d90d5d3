// SPDX-License-Identifier: MIT
//
// A mixed-integer program and the one place that gives it to CBC.
//
// Every cost and every variable of a roster program takes whole values in a solution, so bounds are
// rounded up to whole numbers. CBC's library classes are used without its command-line driver
// (CbcMain keeps global state): separate models share nothing that they write, so that any number
// of threads may call solve_program at once, without a lock. CBC writes nothing to the console.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <vector>

#include <penstock/result.h>

namespace penstock::roster {

/// Minimise cost * x over row_lower <= A x <= row_upper and 0 <= x <= upper, x whole.
struct Program {
  struct Entry {
    int row;
    double value;
  };

  std::vector<double> cost;
  std::vector<double> upper;
  std::vector<std::size_t> first_entry{0};  ///< One more than there are columns.
  std::vector<Entry> entries;
  std::vector<double> row_lower;
  std::vector<double> row_upper;

  int add_row(double lower, double upper_bound);
  int add_column(double column_cost, double upper_bound, const std::vector<Entry>& column);
  [[nodiscard]] int rows() const { return static_cast<int>(row_lower.size()); }
  [[nodiscard]] int columns() const { return static_cast<int>(cost.size()); }
};

struct ProgramOptions {
  std::chrono::duration<double> time_limit{60};
  std::stop_token stop;
  /// Only solutions that cost less than this are wanted.
  std::optional<double> cutoff;
  /// Called on the solving thread when one of them changed; the incumbent may be missing.
  std::function<void(std::optional<double> incumbent, double bound)> on_progress;
};

struct ProgramAnswer {
  bool finished = false;  ///< Searched to the end: `values` is optimal, or none exist.
  std::optional<std::vector<double>> values;
  double cost = 0;   ///< Of `values`.
  double bound = 0;  ///< No solution below the cutoff costs less.
};

/// Errc::internal when CBC gives up or throws; a limit or a stop is no error.
Result<ProgramAnswer> solve_program(const Program& program, const ProgramOptions& options);

}  // namespace penstock::roster
