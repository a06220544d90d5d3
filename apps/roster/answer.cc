// SPDX-License-Identifier: MIT
#include "apps/roster/answer.h"

#include <map>
#include <utility>

#include <nlohmann/json.hpp>

#include "apps/roster/calendar.h"
#include "apps/roster/json_fields.h"
#include "apps/roster/small_answer.h"
#include "apps/roster/verify.h"

namespace penstock::roster {
namespace {

using nlohmann::ordered_json;

ordered_json benchmark_answer(const Instance& instance, const Solution& solution) {
  ordered_json answer;
  answer["status"] = to_string(solution.status);
  answer["cost"] = solution.cost ? ordered_json(*solution.cost) : ordered_json(nullptr);
  answer["bound"] = solution.bound;
  answer["seconds"] = solution.seconds;
  answer["reason"] = solution.reason;
  answer["violations"] = ordered_json::array();
  answer["assignments"] = ordered_json::array();
  if (solution.roster.empty()) return answer;
  for (const Violation& violation : verify(instance, solution.roster).violations) {
    answer["violations"].push_back({{"rule", to_string(violation.rule)}, {"text", violation.text}});
  }
  for (std::size_t e = 0; e < solution.roster.size(); ++e) {
    for (std::size_t day = 0; day < solution.roster[e].size(); ++day) {
      const int shift = solution.roster[e][day];
      if (shift == off) continue;
      answer["assignments"].push_back(
          {{"employee", instance.employees[e].id},
           {"day", day},
           {"shift", instance.shifts[static_cast<std::size_t>(shift)].id}});
    }
  }
  return answer;
}

template <class Items>
std::map<std::string, int> indexes(const Items& items) {
  std::map<std::string, int> indexes;
  for (const auto& item : items) indexes.emplace(item.id, static_cast<int>(indexes.size()));
  return indexes;
}

struct Place {
  int employee = 0;
  int day = 0;
  int shift = 0;
};

int known(const Field& field, const std::map<std::string, int>& names, const std::string& name) {
  const auto found = names.find(name);
  if (found != names.end()) return found->second;
  field.fail("'" + name + "' is not in the instance");
  return 0;
}

Place place_of(const Instance& instance, const Field& item,
               const std::map<std::string, int>& employees,
               const std::map<std::string, int>& shifts) {
  Place place;
  if (instance.format == Format::benchmark) {
    place.employee = known(item, employees, item["employee"].text());
    place.day = item["day"].number(0, instance.days - 1);
    place.shift = known(item, shifts, item["shift"].text());
    return place;
  }
  place.employee = known(item, employees, item["employeeId"].text());
  const auto date = parse_date(item["date"].text());
  const std::int64_t day = date.value_or(-1) - instance.start_day;
  if (!date || day < 0 || day >= instance.days) {
    item["date"].fail(item["date"].shown() + " is not in the horizon");
  } else {
    place.day = static_cast<int>(day);
  }
  place.shift = known(item, shifts,
                      item["demandId"].text() + "/" + item["requirementId"].text() + "/" +
                          item["shiftCode"].text());
  return place;
}

}  // namespace

Result<std::string> answer_json(const Instance& instance, const Solution& solution,
                                const RunFacts& run) {
  if (instance.format == Format::small_json) return small_answer(instance, solution, run);
  // The benchmark format admits any bytes in an ID; JSON does not.
  return benchmark_answer(instance, solution)
      .dump(2, ' ', false, ordered_json::error_handler_t::replace);
}

Result<Roster> roster_of_answer(const Instance& instance, std::string_view answer) {
  const auto document = parse_json(answer);
  if (!document) return document.error();
  std::optional<Error> error;
  const Field root(*document, error);
  const auto employees = indexes(instance.employees);
  const auto shifts = indexes(instance.shifts);
  Roster roster(instance.employees.size(), Row(static_cast<std::size_t>(instance.days), off));
  for (const Field& item : root["assignments"].items(max_cells)) {
    if (item.text_of("status", "ASSIGNED") != "ASSIGNED") continue;
    const Place place = place_of(instance, item, employees, shifts);
    if (error) break;
    int& cell =
        roster[static_cast<std::size_t>(place.employee)][static_cast<std::size_t>(place.day)];
    if (cell != off) item.fail("gives the employee a second shift on the same day");
    cell = place.shift;
  }
  if (error) return *error;
  return roster;
}

}  // namespace penstock::roster
