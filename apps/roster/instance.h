// SPDX-License-Identifier: MIT
//
// The rostering problem as plain values, the same for both input formats.
//
// An employee works at most one shift on a day. What one employee may do is split in two: Limits
// (how work and rest may follow each other) and cells (which shift on which day is open to whom,
// and if not, why). What everybody together must do is the cover. The small JSON format turns each
// (requirement, shift) pair into a Shift of its own, with a Post that remembers where it came from.
// Filled by benchmark_format.h and small_format.h; read by the solver and, separately, verify.h.
#pragma once

#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace penstock::roster {

/// What a roster holds for a day without work.
inline constexpr int off = -1;
/// A limit that never binds.
inline constexpr int unlimited = std::numeric_limits<int>::max() / 4;

/// One employee's days: the index of a shift, or `off`.
using Row = std::vector<int>;
/// One row for each employee, in the order of Instance::employees.
using Roster = std::vector<Row>;

enum class Format : std::uint8_t { benchmark, small_json };

/// May this employee work this shift on this day; if not, the first rule that forbids it.
enum class Cell : std::uint8_t {
  open,
  day_off,        ///< A fixed day off of the employee.
  not_covered,    ///< The demand has no slot on this day.
  pattern_rests,  ///< The work pattern has another shift or rest on this day.
  not_whitelisted,
  blacklisted,
  wrong_scheme,
  wrong_gender,
  wrong_product,
  wrong_rank,
  not_qualified,
  unavailable,
};

struct Shift {
  std::string id;
  int minutes = 0;
  /// Indexes of the shifts that may not be worked on the day after this one.
  std::vector<int> forbidden_followers;
};

/// Where a shift of the small JSON format came from.
struct Post {
  std::string demand;
  std::string requirement;
  std::string code;
  std::string start;  ///< "08:00"
  std::string end;
  bool ends_next_day = false;
};

/// The hard rules on one employee's own row. Equal limits share one pattern graph.
struct Limits {
  std::vector<int> max_shifts;  ///< One entry for each shift.
  int max_minutes = unlimited;
  int min_minutes = 0;
  int max_consecutive = unlimited;
  /// Runs that touch the first or the last day may be shorter than these two minimums.
  int min_consecutive = 1;
  int min_days_off = 1;
  /// A weekend counts when its Saturday or its Sunday is worked.
  int max_weekends = unlimited;

  bool operator==(const Limits&) const = default;
};

struct Employee {
  std::string id;
  Limits limits;
};

enum class Wish : std::uint8_t { work, rest };

/// Costs `weight` when the wish is not granted.
struct Request {
  int employee = 0;
  int day = 0;
  int shift = 0;
  std::int64_t weight = 0;
  Wish wish = Wish::work;
};

/// How many people a shift needs on a day.
struct Cover {
  int day = 0;
  int shift = 0;
  int required = 0;
  std::int64_t under = 0;  ///< Cost of each missing person.
  std::int64_t over = 0;   ///< Cost of each person too many.
  /// A hard requirement: surplus is forbidden, and a roster with a shortage answers INFEASIBLE.
  bool exact = false;
};

struct Instance {
  Format format = Format::benchmark;
  int days = 0;
  int first_weekday = 0;  ///< Of day 0; Monday is 0.
  std::vector<Shift> shifts;
  std::vector<Employee> employees;
  std::vector<Request> requests;
  std::vector<Cover> covers;
  std::vector<Cell> cells;  ///< Sized by open_cells; read through cell().

  // The small JSON format only.
  std::vector<Post> posts;  ///< One for each shift.
  std::string schema_version;
  std::string reference;
  std::int64_t start_day = 0;  ///< Days since 1970-01-01.
  std::optional<int> max_seconds;
  std::vector<std::string> notes;  ///< Parts of the input that are read but not enforced.

  [[nodiscard]] std::size_t cell_index(int employee, int day, int shift) const {
    const auto row = static_cast<std::size_t>(employee) * static_cast<std::size_t>(days) +
                     static_cast<std::size_t>(day);
    return row * shifts.size() + static_cast<std::size_t>(shift);
  }
  [[nodiscard]] Cell cell(int employee, int day, int shift) const {
    return cells[cell_index(employee, day, shift)];
  }
  /// Makes every cell `open`. REQUIRES: days, shifts and employees are complete.
  void open_cells() {
    cells.assign(employees.size() * static_cast<std::size_t>(days) * shifts.size(), Cell::open);
  }
  [[nodiscard]] int weekday(int day) const { return (first_weekday + day) % 7; }
  [[nodiscard]] int shift_count() const { return static_cast<int>(shifts.size()); }
  [[nodiscard]] int employee_count() const { return static_cast<int>(employees.size()); }
};

/// Limits on the size of an instance, the same for both formats.
inline constexpr std::size_t max_input_bytes = 8U << 20U;
inline constexpr int max_days = 366;
inline constexpr int max_shift_types = 200;
inline constexpr int max_employees = 2000;
inline constexpr std::size_t max_cells = 20'000'000;
inline constexpr int max_weight = 1'000'000;

}  // namespace penstock::roster
