// SPDX-License-Identifier: MIT
#include "apps/roster/verify.h"

#include <utility>

namespace penstock::roster {
namespace {

/// Days [first, end) that are all worked or all free, as long as they can be.
struct Run {
  bool work = false;
  int first = 0;
  int end = 0;
  [[nodiscard]] int length() const { return end - first; }
};

std::vector<Run> runs_of(const Row& row) {
  std::vector<Run> runs;
  for (int day = 0; day < static_cast<int>(row.size()); ++day) {
    const bool work = row[static_cast<std::size_t>(day)] != off;
    if (runs.empty() || runs.back().work != work) runs.push_back({work, day, day});
    runs.back().end = day + 1;
  }
  return runs;
}

std::string text_of(int number) { return std::to_string(number); }

class Verifier {
 public:
  Verifier(const Instance& instance, const Roster& roster) : instance_(instance), roster_(roster) {}

  Verdict verify() {
    check_shape();
    if (!verdict_.feasible()) return std::move(verdict_);
    for (int e = 0; e < instance_.employee_count(); ++e) {
      check_cells(e);
      check_succession(e);
      check_totals(e);
      check_runs(e);
      check_weekends(e);
    }
    add_request_costs();
    check_cover();
    return std::move(verdict_);
  }

 private:
  const Employee& employee(int e) const { return instance_.employees[static_cast<std::size_t>(e)]; }
  const Shift& shift(int s) const { return instance_.shifts[static_cast<std::size_t>(s)]; }
  int worked(int e, int day) const {
    return roster_[static_cast<std::size_t>(e)][static_cast<std::size_t>(day)];
  }

  void add(Rule rule, std::string text) { verdict_.violations.push_back({rule, std::move(text)}); }

  void add_limit(Rule rule, int e, const std::string& what, int is, const char* bound, int limit) {
    add(rule, "employee " + employee(e).id + " has " + text_of(is) + " " + what + ", " + bound +
                  " is " + text_of(limit));
  }

  void check_shape() {
    if (roster_.size() != instance_.employees.size()) {
      add(Rule::shape, "the roster has " + std::to_string(roster_.size()) + " rows for " +
                           std::to_string(instance_.employees.size()) + " employees");
      return;
    }
    for (int e = 0; e < instance_.employee_count(); ++e) {
      const Row& row = roster_[static_cast<std::size_t>(e)];
      if (row.size() != static_cast<std::size_t>(instance_.days)) {
        add(Rule::shape, "employee " + employee(e).id + " has " + std::to_string(row.size()) +
                             " days, the horizon has " + text_of(instance_.days));
      }
      for (const int s : row) {
        if (s < off || s >= instance_.shift_count()) {
          add(Rule::shape, "employee " + employee(e).id + " has the unknown shift " + text_of(s));
        }
      }
    }
  }

  void check_cells(int e) {
    for (int day = 0; day < instance_.days; ++day) {
      const int s = worked(e, day);
      if (s != off && instance_.cell(e, day, s) != Cell::open) {
        add(Rule::cell, "employee " + employee(e).id + " may not work " + shift(s).id + " on day " +
                            text_of(day));
      }
    }
  }

  void check_succession(int e) {
    for (int day = 1; day < instance_.days; ++day) {
      const int before = worked(e, day - 1);
      const int s = worked(e, day);
      if (before == off || s == off) continue;
      for (const int forbidden : shift(before).forbidden_followers) {
        if (forbidden != s) continue;
        add(Rule::succession, "employee " + employee(e).id + " works " + shift(s).id + " on day " +
                                  text_of(day) + " right after " + shift(before).id);
      }
    }
  }

  void check_totals(int e) {
    const Limits& limits = employee(e).limits;
    int minutes = 0;
    std::vector<int> times(instance_.shifts.size(), 0);
    for (int day = 0; day < instance_.days; ++day) {
      const int s = worked(e, day);
      if (s == off) continue;
      minutes += shift(s).minutes;
      ++times[static_cast<std::size_t>(s)];
    }
    for (int s = 0; s < instance_.shift_count(); ++s) {
      const int is = times[static_cast<std::size_t>(s)];
      const int most = limits.max_shifts[static_cast<std::size_t>(s)];
      if (is > most) add_limit(Rule::max_shifts, e, "shifts " + shift(s).id, is, "the most", most);
    }
    if (minutes > limits.max_minutes) {
      add_limit(Rule::max_minutes, e, "minutes", minutes, "the most", limits.max_minutes);
    }
    if (minutes < limits.min_minutes) {
      add_limit(Rule::min_minutes, e, "minutes", minutes, "the least", limits.min_minutes);
    }
  }

  void check_runs(int e) {
    const Limits& limits = employee(e).limits;
    for (const Run& run : runs_of(roster_[static_cast<std::size_t>(e)])) {
      const std::string from = " in a row from day " + text_of(run.first);
      const bool inside = run.first > 0 && run.end < instance_.days;
      if (run.work && run.length() > limits.max_consecutive) {
        add_limit(Rule::max_consecutive, e, "shifts" + from, run.length(), "the most",
                  limits.max_consecutive);
      }
      if (run.work && inside && run.length() < limits.min_consecutive) {
        add_limit(Rule::min_consecutive, e, "shifts" + from, run.length(), "the least",
                  limits.min_consecutive);
      }
      if (!run.work && inside && run.length() < limits.min_days_off) {
        add_limit(Rule::min_days_off, e, "days off" + from, run.length(), "the least",
                  limits.min_days_off);
      }
    }
  }

  void check_weekends(int e) {
    int weekends = 0;
    int last_week = -1;
    for (int day = 0; day < instance_.days; ++day) {
      const int since_monday = day + instance_.first_weekday;
      const int week = since_monday / 7;
      if (since_monday % 7 < 5 || worked(e, day) == off || week == last_week) continue;
      last_week = week;
      ++weekends;
    }
    const int most = employee(e).limits.max_weekends;
    if (weekends > most) add_limit(Rule::max_weekends, e, "weekends", weekends, "the most", most);
  }

  void add_request_costs() {
    for (const Request& request : instance_.requests) {
      const bool works = worked(request.employee, request.day) == request.shift;
      const bool granted = request.wish == Wish::work ? works : !works;
      if (!granted) verdict_.cost += request.weight;
    }
  }

  void check_cover() {
    for (const Cover& cover : instance_.covers) {
      int people = 0;
      for (int e = 0; e < instance_.employee_count(); ++e) {
        if (worked(e, cover.day) == cover.shift) ++people;
      }
      const std::string where = "shift " + shift(cover.shift).id + " on day " + text_of(cover.day) +
                                " has " + text_of(people) + " of " + text_of(cover.required) +
                                " people";
      if (people < cover.required) {
        verdict_.cost += cover.under * (cover.required - people);
        if (cover.exact) add(Rule::shortage, where);
      } else {
        verdict_.cost += cover.over * (people - cover.required);
        if (cover.exact && people > cover.required) add(Rule::surplus, where);
      }
    }
  }

  const Instance& instance_;
  const Roster& roster_;
  Verdict verdict_;
};

}  // namespace

std::string_view to_string(Rule rule) {
  switch (rule) {
    case Rule::shape:
      return "shape";
    case Rule::cell:
      return "cell";
    case Rule::succession:
      return "succession";
    case Rule::max_shifts:
      return "max_shifts";
    case Rule::max_minutes:
      return "max_minutes";
    case Rule::min_minutes:
      return "min_minutes";
    case Rule::max_consecutive:
      return "max_consecutive";
    case Rule::min_consecutive:
      return "min_consecutive";
    case Rule::min_days_off:
      return "min_days_off";
    case Rule::max_weekends:
      return "max_weekends";
    case Rule::shortage:
      return "shortage";
    case Rule::surplus:
      return "surplus";
  }
  return "shape";
}

Verdict verify(const Instance& instance, const Roster& roster) {
  return Verifier(instance, roster).verify();
}

}  // namespace penstock::roster
