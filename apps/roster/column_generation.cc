// SPDX-License-Identifier: MIT
#include "apps/roster/column_generation.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "apps/roster/descent.h"
#include "apps/roster/program.h"
#include "apps/roster/restricted_master.h"
#include "apps/roster/selection.h"

namespace penstock::roster {
namespace {

// CBC still selects from this many rows in reasonable time.
constexpr std::size_t most_rows = 60'000;
constexpr double tolerance = 1e-6;
constexpr double nearly_whole = 0.99;
constexpr int most_dive_pricings = 10;

/// The duals with the best bound so far; `cheapest` is each employee's cheapest row under them.
struct Bound {
  double value = -std::numeric_limits<double>::infinity();  ///< Without the unavoidable cost.
  std::vector<double> duals;
  std::vector<double> cheapest;
};

class ColumnGeneration {
 public:
  ColumnGeneration(const Instance& instance, const Patterns& patterns, Search& search)
      : instance_(instance),
        patterns_(patterns),
        search_(search),
        unavoidable_(patterns.unavoidable_cost()),
        master_(instance, patterns, search.roster()) {}

  Result<void> run(int rounds) {
    auto converged = converge();
    if (!converged || search_.over()) return converged;
    dive(std::vector<bool>(instance_.employees.size(), true));
    if (search_.over()) return {};
    auto selected = select_generated();
    if (!selected || search_.over()) return selected;
    bool closing = true;
    for (int round = 0; !search_.over() && round < rounds; ++round) {
      const std::int64_t before = search_.cost();
      if (closing) {
        auto closed = close_gap();
        if (!closed) return closed;
      }
      dive(some_employees(round));
      closing = search_.cost() < before;
    }
    return {};
  }

 private:
  /// Adds rows until the linear program over all rows is solved, as far as whole costs can tell.
  Result<void> converge() {
    while (!search_.over()) {
      const auto answer = master_.solve();
      if (!answer) return answer.error();
      // Duals between the best ones and the newest zigzag less; when they find no new row, the
      // newest ones decide whether there is any.
      bool added = false;
      if (!best_.duals.empty()) added = price(blend(answer->duals));
      if (!added) added = price(answer->duals);
      const bool tight = std::ceil(best_.value - tolerance) >= answer->cost - tolerance;
      if (!added || tight) return {};
    }
    return {};
  }

  [[nodiscard]] std::vector<double> blend(const std::vector<double>& newest) const {
    std::vector<double> duals(newest.size());
    for (std::size_t i = 0; i < newest.size(); ++i) {
      duals[i] = 0.5 * best_.duals[i] + 0.5 * newest[i];
    }
    return duals;
  }

  [[nodiscard]] DayCosts reduced_costs(int employee, const std::vector<double>& duals) const {
    DayCosts costs = patterns_.request_costs(employee);
    for (std::size_t i = 0; i < duals.size(); ++i) {
      costs.at(instance_.covers[i].day, instance_.covers[i].shift) -= duals[i];
    }
    return costs;
  }

  /// Adds each employee's cheapest row and keeps the bound when it is better; whether any was new.
  bool price(std::vector<double> duals) {
    Bound bound;
    bound.value = 0;
    for (std::size_t i = 0; i < duals.size(); ++i) {
      const Cover& cover = instance_.covers[i];
      // Outside of these the slack columns would make the bound worthless.
      duals[i] = std::min(duals[i], static_cast<double>(cover.under));
      if (!cover.exact) duals[i] = std::max(duals[i], -static_cast<double>(cover.over));
      bound.value += duals[i] * cover.required;
    }
    bool added = false;
    for (int employee = 0; employee < instance_.employee_count(); ++employee) {
      const auto best = patterns_.graph(employee).cheapest(reduced_costs(employee, duals));
      bound.value += best->cost;
      bound.cheapest.push_back(best->cost);
      added = master_.add(employee, best->row) || added;
    }
    if (bound.value > best_.value) {
      bound.duals = std::move(duals);
      best_ = std::move(bound);
      search_.raise_bound(best_.value + static_cast<double>(unavoidable_));
    }
    return added;
  }

  /// Builds a roster from the linear program: again and again, the row with the largest share is
  /// kept and rows that go well with it are priced. Employees that are not `open` keep their row of
  /// the best roster. A dive that meets a dead end is given up; it only ever adds rows.
  void dive(std::vector<bool> open) {
    master_.release();
    const Roster start = search_.roster();
    for (int employee = 0; employee < instance_.employee_count(); ++employee) {
      const Row& row = start[static_cast<std::size_t>(employee)];
      master_.add(employee, row);
      if (!open[static_cast<std::size_t>(employee)]) keep(employee, row);
    }
    Roster roster = start;
    while (std::ranges::count(open, true) > 0 && !search_.over()) {
      const auto answer = price_open(open);
      if (!answer) break;
      fix_largest(*answer, open, roster);
    }
    master_.release();
    if (std::ranges::count(open, true) > 0) return;
    descend_from(instance_, patterns_, roster, search_);
  }

  void keep(int employee, const Row& row) {
    const auto& columns = master_.columns();
    const auto found = std::ranges::find_if(columns, [&](const RestrictedMaster::Column& column) {
      return column.employee == employee && column.row == row;
    });
    master_.fix(static_cast<std::size_t>(found - columns.begin()));
  }

  /// The linear program's answer after a few rounds of pricing for the open employees.
  Result<RestrictedMaster::Answer> price_open(const std::vector<bool>& open) {
    for (int round = 0;; ++round) {
      auto answer = master_.solve();
      if (!answer || round == most_dive_pricings || search_.over()) return answer;
      bool added = false;
      for (int employee = 0; employee < instance_.employee_count(); ++employee) {
        if (!open[static_cast<std::size_t>(employee)]) continue;
        const auto best =
            patterns_.graph(employee).cheapest(reduced_costs(employee, answer->duals));
        added = master_.add(employee, best->row) || added;
      }
      if (!added) return answer;
    }
  }

  void fix_largest(const RestrictedMaster::Answer& answer, std::vector<bool>& open,
                   Roster& roster) {
    const auto& columns = master_.columns();
    const auto close = [&](std::size_t i) {
      const auto employee = static_cast<std::size_t>(columns[i].employee);
      roster[employee] = columns[i].row;
      open[employee] = false;
      master_.fix(i);
    };
    std::optional<std::size_t> largest;
    for (std::size_t i = 0; i < answer.shares.size(); ++i) {
      if (!open[static_cast<std::size_t>(columns[i].employee)]) continue;
      if (!largest || answer.shares[i] > answer.shares[*largest]) largest = i;
      if (answer.shares[i] > nearly_whole) close(i);
    }
    if (largest && open[static_cast<std::size_t>(columns[*largest].employee)]) close(*largest);
  }

  /// About a third of the employees, others in each round.
  [[nodiscard]] std::vector<bool> some_employees(int round) const {
    std::vector<bool> open(instance_.employees.size(), false);
    auto state = static_cast<std::uint32_t>(round) * 2654435761U + 12345U;
    for (std::size_t i = 0; i < open.size(); ++i) {
      state = state * 1664525U + 1013904223U;
      open[i] = (state >> 16U) % 3 == 0;
    }
    return open;
  }

  Result<void> select_generated() {
    std::vector<Choices> choices(instance_.employees.size());
    for (const auto& column : master_.columns()) {
      choices[static_cast<std::size_t>(column.employee)].push_back(column.row);
    }
    const auto answer = select(std::move(choices), {unavoidable_, false, 0.2});
    if (!answer) return answer.error();
    return {};
  }

  Result<ProgramAnswer> select(std::vector<Choices> choices, const Search::Part& part) {
    const Selection selection(instance_, patterns_, std::move(choices));
    auto answer = solve_program(selection.program(), search_.program_options(part));
    if (answer && answer->values) {
      const Roster roster = selection.roster(*answer->values);
      search_.offer(roster);
      descend_from(instance_, patterns_, roster, search_);
    }
    return answer;
  }

  /// The rows that cost at most `gap` more than their employee's cheapest under the best duals.
  [[nodiscard]] std::optional<std::vector<Choices>> rows_within(double gap) const {
    std::vector<Choices> choices;
    std::size_t total = 0;
    for (int employee = 0; employee < instance_.employee_count(); ++employee) {
      const double limit = best_.cheapest[static_cast<std::size_t>(employee)] + gap + tolerance;
      auto rows = patterns_.graph(employee).within(reduced_costs(employee, best_.duals), limit,
                                                   most_rows - total);
      if (!rows) return std::nullopt;
      total += rows->size();
      Choices& own = choices.emplace_back();
      for (PricedRow& priced : *rows) own.push_back(std::move(priced.row));
    }
    return choices;
  }

  /// Selects from all rows that a better roster could use. When they are too many, from those with
  /// a smaller gap, which proves a better bound or finds a better roster; then again.
  Result<void> close_gap() {
    double part = 1;
    while (!search_.over()) {
      // A better roster costs at least 1 less, and the excess of its rows adds up to its own.
      const double needed =
          static_cast<double>(search_.cost() - 1 - unavoidable_) - best_.value + tolerance;
      if (needed < 0) {
        search_.raise_bound(static_cast<double>(search_.cost()));
        return {};
      }
      auto choices = rows_within(needed * part);
      if (!choices) {
        part /= 2;
        if (part < 0.01) return {};
        continue;
      }
      const std::int64_t before = search_.cost();
      const bool complete = part == 1;
      const auto answer = select(*std::move(choices), {unavoidable_, complete, 1});
      if (!answer) return answer.error();
      if (!answer->finished) return {};
      // Every roster that is better than `before` and was not selected from uses a row outside.
      const double outside = best_.value + needed * part + static_cast<double>(unavoidable_);
      const auto found = static_cast<double>(search_.cost());
      search_.raise_bound(complete ? found : std::min(outside, found));
      if (search_.cost() == before) return {};
      part = 1;
    }
    return {};
  }

  const Instance& instance_;
  const Patterns& patterns_;
  Search& search_;
  std::int64_t unavoidable_;
  RestrictedMaster master_;
  Bound best_;
};

}  // namespace

Result<void> generate_columns(const Instance& instance, const Patterns& patterns, Search& search,
                              int rounds) {
  return ColumnGeneration(instance, patterns, search).run(rounds);
}

}  // namespace penstock::roster
