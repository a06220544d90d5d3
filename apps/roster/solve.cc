// SPDX-License-Identifier: MIT
#include "apps/roster/solve.h"

#include <limits>
#include <utility>
#include <vector>

#include "apps/roster/column_generation.h"
#include "apps/roster/descent.h"
#include "apps/roster/patterns.h"
#include "apps/roster/program.h"
#include "apps/roster/search.h"
#include "apps/roster/selection.h"
#include "apps/roster/slots.h"

namespace penstock::roster {
namespace {

// Up to here CBC selects from all patterns faster than column generation finds the few it needs.
constexpr std::uint64_t most_listed_patterns = 3'000;
constexpr std::size_t most_flow_arcs = 5'000;
// Slots that must be filled give flow programs that are nearly whole by themselves. Column
// generation is faster when it succeeds, so it goes first, but not for long.
constexpr std::size_t most_slot_flow_arcs = 300'000;
constexpr int rounds_for_slots = 3;
constexpr int rounds_for_wards = 10'000;

std::uint64_t count_all(const Instance& instance, const Patterns& patterns) {
  std::uint64_t total = 0;
  for (int employee = 0; employee < instance.employee_count(); ++employee) {
    const std::uint64_t more = patterns.count(employee);
    if (more > most_listed_patterns) return more;
    total += more;
  }
  return total;
}

template <class Model>
Result<void> solve_whole(const Model& model, const Patterns& patterns, Search& search) {
  const auto answer = solve_program(model.program(),
                                    search.program_options({patterns.unavoidable_cost(), true, 1}));
  if (!answer) return answer.error();
  if (answer->values) search.offer(model.roster(*answer->values));
  // Searched to the end: what was not found is not better than the roster at hand.
  if (answer->finished && search.has_roster()) {
    search.raise_bound(static_cast<double>(search.cost()));
  }
  return {};
}

Result<void> improve(const Instance& instance, const Patterns& patterns, Search& search) {
  if (search.over()) return {};
  if (count_all(instance, patterns) <= most_listed_patterns) {
    std::vector<Choices> choices;
    for (int employee = 0; employee < instance.employee_count(); ++employee) {
      auto rows = enumerate_patterns(instance, employee, most_listed_patterns);
      if (!rows) return rows.error();
      choices.push_back(*std::move(rows));
    }
    return solve_whole(Selection(instance, patterns, std::move(choices)), patterns, search);
  }
  const std::size_t arcs = Flow::arcs(instance, patterns);
  if (arcs > most_flow_arcs && search.has_roster()) {
    const bool slots = instance.format == Format::small_json;
    const int rounds = slots ? rounds_for_slots : rounds_for_wards;
    auto generated = generate_columns(instance, patterns, search, rounds);
    if (!generated || !slots || search.over()) return generated;
  }
  if (arcs > most_slot_flow_arcs) return {};
  return solve_whole(Flow(instance, patterns), patterns, search);
}

Solution conclude(const Instance& instance, const Options& options, const Search& search) {
  Solution solution;
  solution.seconds = search.seconds();
  solution.bound = search.bound();
  if (!search.has_roster()) {
    solution.reason = "the search ended before any roster was found";
    return solution;
  }
  solution.roster = search.roster();
  solution.cost = search.cost();
  const std::string unfilled = describe_unfilled(instance, solution.roster);
  if (!unfilled.empty()) {
    // Unfilled slots are the only costs of these instances, so a bound above 0 proves that every
    // roster leaves one.
    solution.status = search.bound() > 0 ? Status::infeasible : Status::time_limit;
    solution.reason = unfilled;
    return solution;
  }
  solution.status = search.proven() ? Status::optimal : Status::feasible;
  if (search.proven()) return solution;
  if (options.stop.stop_requested()) {
    solution.reason = "stopped before the roster was proven optimal";
  } else if (search.over()) {
    solution.reason = "the time limit came before the roster was proven optimal";
  } else {
    solution.reason = "too many rows could improve the roster to prove it optimal";
  }
  return solution;
}

}  // namespace

std::string_view to_string(Status status) {
  switch (status) {
    case Status::optimal:
      return "OPTIMAL";
    case Status::feasible:
      return "FEASIBLE";
    case Status::infeasible:
      return "INFEASIBLE";
    case Status::time_limit:
      return "TIME_LIMIT";
  }
  return "TIME_LIMIT";
}

Result<Solution> solve(const Instance& instance, const Options& options) {
  Search search(instance, options);
  if (search.over()) return conclude(instance, options, search);
  const auto patterns = Patterns::make(instance);
  if (!patterns) return patterns.error();
  for (int employee = 0; employee < instance.employee_count(); ++employee) {
    if (patterns->count(employee) > 0) continue;
    Solution solution;
    solution.status = Status::infeasible;
    solution.reason = patterns->explain_none(employee);
    solution.seconds = search.seconds();
    return solution;
  }
  descend(instance, *patterns, search);
  if (const auto improved = improve(instance, *patterns, search); !improved) {
    return improved.error();
  }
  return conclude(instance, options, search);
}

}  // namespace penstock::roster
