// SPDX-License-Identifier: MIT
#include "apps/roster/descent.h"

#include <numeric>
#include <optional>
#include <utility>
#include <vector>

namespace penstock::roster {
namespace {

constexpr int starting_orders = 6;
// A slot that must not be overfilled costs this much when it is.
constexpr double forbidden_surplus = 1e9;

class Descent {
 public:
  Descent(const Instance& instance, const Patterns& patterns, Search& search)
      : instance_(instance),
        patterns_(patterns),
        search_(search),
        roster_(instance.employees.size()),
        working_(instance.covers.size(), 0) {}

  void put(int employee, Row row) {
    count(employee, -1);
    roster_[index(employee)] = std::move(row);
    count(employee, 1);
  }

  /// Whether the row changed for a cheaper one.
  bool rewrite(int employee) {
    count(employee, -1);
    const DayCosts costs = marginal_costs(employee);
    Row& row = roster_[index(employee)];
    const double before = row.empty() ? 1e300 : cost_in(costs, row);
    auto best = patterns_.graph(employee).cheapest(costs);
    const bool better = best && best->cost < before - 1e-6;
    if (better) row = std::move(best->row);
    count(employee, 1);
    return better;
  }

  void run(const std::vector<int>& order) {
    bool changed = true;
    while (changed && !(search_.has_roster() && search_.over())) {
      changed = false;
      for (const int employee : order) changed = rewrite(employee) || changed;
    }
    if (!overfilled()) search_.offer(roster_);
  }

 private:
  static std::size_t index(int employee) { return static_cast<std::size_t>(employee); }

  void count(int employee, int change) {
    const Row& row = roster_[index(employee)];
    if (row.empty()) return;
    for (std::size_t i = 0; i < instance_.covers.size(); ++i) {
      const Cover& cover = instance_.covers[i];
      if (row[static_cast<std::size_t>(cover.day)] == cover.shift) working_[i] += change;
    }
  }

  /// What one more person costs on each shift of each day, next to the employee's own wishes.
  [[nodiscard]] DayCosts marginal_costs(int employee) const {
    DayCosts costs = patterns_.request_costs(employee);
    for (std::size_t i = 0; i < instance_.covers.size(); ++i) {
      const Cover& cover = instance_.covers[i];
      const double surplus = cover.exact ? forbidden_surplus : static_cast<double>(cover.over);
      costs.at(cover.day, cover.shift) +=
          working_[i] < cover.required ? -static_cast<double>(cover.under) : surplus;
    }
    return costs;
  }

  [[nodiscard]] double cost_in(const DayCosts& costs, const Row& row) const {
    double cost = 0;
    for (int day = 0; day < instance_.days; ++day) {
      cost += costs.at(day, row[static_cast<std::size_t>(day)]);
    }
    return cost;
  }

  [[nodiscard]] bool overfilled() const {
    for (std::size_t i = 0; i < instance_.covers.size(); ++i) {
      const Cover& cover = instance_.covers[i];
      if (cover.exact && working_[i] > cover.required) return true;
    }
    return false;
  }

  const Instance& instance_;
  const Patterns& patterns_;
  Search& search_;
  Roster roster_;
  std::vector<int> working_;  ///< People on each cover.
};

}  // namespace

void descend(const Instance& instance, const Patterns& patterns, Search& search) {
  const int people = instance.employee_count();
  std::vector<int> order(static_cast<std::size_t>(people));
  for (int start = 0; start < starting_orders && start < people; ++start) {
    if (search.has_roster() && search.over()) return;
    // Every order begins elsewhere, and every second one goes backwards.
    std::iota(order.begin(), order.end(), start * people / starting_orders);
    for (int& employee : order) employee %= people;
    if (start % 2 == 1) std::vector<int>(order.rbegin(), order.rend()).swap(order);
    Descent(instance, patterns, search).run(order);
  }
}

void descend_from(const Instance& instance, const Patterns& patterns, Roster roster,
                  Search& search) {
  Descent descent(instance, patterns, search);
  std::vector<int> order(roster.size());
  std::iota(order.begin(), order.end(), 0);
  for (const int employee : order) {
    descent.put(employee, std::move(roster[static_cast<std::size_t>(employee)]));
  }
  descent.run(order);
}

}  // namespace penstock::roster
