// SPDX-License-Identifier: MIT
#include "apps/roster/small_answer.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "apps/roster/calendar.h"
#include "apps/roster/sha256.h"
#include "apps/roster/slots.h"
#include "apps/roster/verify.h"

namespace penstock::roster {
namespace {

using nlohmann::ordered_json;

struct Hours {
  double gross = 0;
  double lunch = 0;
  double normal = 0;
  double overtime = 0;

  Hours& operator+=(const Hours& more) {
    gross += more.gross;
    lunch += more.lunch;
    normal += more.normal;
    overtime += more.overtime;
    return *this;
  }
};

Hours hours_of(int minutes) {
  Hours hours;
  hours.gross = minutes / 60.0;
  hours.lunch = hours.gross > 8 ? 1 : 0;
  hours.normal = std::min(hours.gross - hours.lunch, 8.8);
  hours.overtime = hours.gross - hours.lunch - hours.normal;
  return hours;
}

double rounded(double value) { return std::round(value * 100) / 100; }

ordered_json json_of(const Hours& hours) {
  return {{"gross", rounded(hours.gross)},
          {"lunch", rounded(hours.lunch)},
          {"normal", rounded(hours.normal)},
          {"ot", rounded(hours.overtime)},
          {"paid", rounded(hours.normal + hours.overtime)}};
}

class SmallAnswer {
 public:
  SmallAnswer(const Instance& instance, const Solution& solution)
      : instance_(instance), solution_(solution), roster_(solution.roster) {
    // Without any roster everything that is demanded is unmet.
    if (roster_.empty()) {
      roster_.assign(instance.employees.size(), Row(static_cast<std::size_t>(instance.days), off));
    }
  }

  Result<std::string> render(const RunFacts& run) {
    const auto hash = sha256(run.input);
    if (!hash) return hash.error();
    ordered_json answer;
    answer["status"] = to_string(solution_.status);
    answer["cost"] = solution_.cost ? ordered_json(*solution_.cost) : ordered_json(nullptr);
    answer["bound"] = solution_.bound;
    answer["schemaVersion"] = instance_.schema_version;
    answer["planningReference"] = instance_.reference;
    answer["solverRun"] = {{"runId", run.run_id},
                           {"solverVersion", run.solver_version},
                           {"startedAt", run.started_at},
                           {"ended", run.ended_at},
                           {"durationSeconds", solution_.seconds},
                           {"status", to_string(solution_.status)}};
    add_score(answer);
    answer["assignments"] = assignments();
    answer["employeeRoster"] = employee_roster();
    add_quality(answer);
    answer["unmetDemand"] = unmet_demand();
    answer["meta"] = {{"inputHash", "sha256:" + *hash},
                      {"generatedAt", run.ended_at},
                      {"employeeHours", employee_hours()}};
    return answer.dump(2);
  }

 private:
  std::string date(int day) const { return format_date(instance_.start_day + day); }

  void add_score(ordered_json& answer) const {
    ordered_json violations = ordered_json::array();
    for (const Violation& violation : verify(instance_, roster_).violations) {
      violations.push_back({{"rule", to_string(violation.rule)}, {"text", violation.text}});
    }
    answer["score"] = {{"overall", violations.size()}, {"hard", violations.size()}, {"soft", 0}};
    answer["scoreBreakdown"]["hard"]["violations"] = std::move(violations);
    answer["scoreBreakdown"]["soft"]["totalPenalty"] = 0;
    answer["scoreBreakdown"]["soft"]["details"] = ordered_json::array();
  }

  /// `number` counts the slots of one cover from 1.
  ordered_json slot(const Cover& cover, int number, const Employee* employee) const {
    const Post& post = instance_.posts[static_cast<std::size_t>(cover.shift)];
    const std::string day = date(cover.day);
    const std::string end = date(cover.day + (post.ends_next_day ? 1 : 0));
    const std::string id = post.demand + "-" + post.requirement + "-" + post.code + "-" + day +
                           "-" + std::to_string(number);
    ordered_json slot;
    slot["assignmentId"] = id + (employee == nullptr ? "-UNASSIGNED" : "-" + employee->id);
    slot["slotId"] = id;
    slot["demandId"] = post.demand;
    slot["requirementId"] = post.requirement;
    slot["employeeId"] = employee == nullptr ? ordered_json(nullptr) : ordered_json(employee->id);
    slot["date"] = day;
    slot["shiftCode"] = post.code;
    slot["startDateTime"] = day + "T" + post.start + ":00";
    slot["endDateTime"] = end + "T" + post.end + ":00";
    slot["status"] = employee == nullptr ? "UNASSIGNED" : "ASSIGNED";
    slot["hours"] =
        json_of(hours_of(instance_.shifts[static_cast<std::size_t>(cover.shift)].minutes));
    return slot;
  }

  ordered_json assignments() {
    std::vector<Cover> covers = instance_.covers;
    std::ranges::stable_sort(covers, {}, &Cover::day);
    ordered_json slots = ordered_json::array();
    for (const Cover& cover : covers) {
      int number = 0;
      for (std::size_t e = 0; e < roster_.size(); ++e) {
        if (roster_[e][static_cast<std::size_t>(cover.day)] != cover.shift) continue;
        slots.push_back(slot(cover, ++number, &instance_.employees[e]));
        ++assigned_;
      }
      while (number < cover.required) {
        slots.push_back(slot(cover, ++number, nullptr));
        ++unassigned_;
      }
    }
    return slots;
  }

  ordered_json employee_roster() const {
    ordered_json employees = ordered_json::array();
    for (std::size_t e = 0; e < roster_.size(); ++e) {
      ordered_json days = ordered_json::array();
      for (int day = 0; day < instance_.days; ++day) {
        const int shift = roster_[e][static_cast<std::size_t>(day)];
        ordered_json entry{{"date", date(day)}, {"status", shift == off ? "OFF_DAY" : "ASSIGNED"}};
        if (shift != off) {
          const Post& post = instance_.posts[static_cast<std::size_t>(shift)];
          entry["shiftCode"] = post.code;
          entry["demandId"] = post.demand;
          entry["requirementId"] = post.requirement;
        }
        days.push_back(std::move(entry));
      }
      employees.push_back({{"employeeId", instance_.employees[e].id}, {"days", std::move(days)}});
    }
    return employees;
  }

  void add_quality(ordered_json& answer) const {
    const auto used = std::ranges::count_if(roster_, [](const Row& row) {
      return std::ranges::any_of(row, [](int shift) { return shift != off; });
    });
    answer["rosterSummary"] = {{"employees", instance_.employees.size()},
                               {"employeesUsed", used},
                               {"days", instance_.days},
                               {"slots", assigned_ + unassigned_},
                               {"assigned", assigned_},
                               {"unassigned", unassigned_}};
    answer["solutionQuality"] = {
        {"proven", solution_.status == Status::optimal || solution_.status == Status::infeasible},
        {"reason", solution_.reason},
        {"notes", instance_.notes}};
  }

  ordered_json unmet_demand() const {
    ordered_json unmet = ordered_json::array();
    for (const UnfilledSlot& slot : unfilled_slots(instance_, roster_)) {
      const Cover& cover = instance_.covers[static_cast<std::size_t>(slot.cover)];
      const Post& post = instance_.posts[static_cast<std::size_t>(cover.shift)];
      unmet.push_back({{"demandId", post.demand},
                       {"requirementId", post.requirement},
                       {"date", date(cover.day)},
                       {"shiftCode", post.code},
                       {"missing", slot.missing},
                       {"reason", explain_slot(instance_, cover)}});
    }
    return unmet;
  }

  ordered_json employee_hours() const {
    ordered_json hours = ordered_json::object();
    for (std::size_t e = 0; e < roster_.size(); ++e) {
      Hours total;
      for (const int shift : roster_[e]) {
        if (shift == off) continue;
        total += hours_of(instance_.shifts[static_cast<std::size_t>(shift)].minutes);
      }
      hours[instance_.employees[e].id] = json_of(total);
    }
    return hours;
  }

  const Instance& instance_;
  const Solution& solution_;
  Roster roster_;
  int assigned_ = 0;
  int unassigned_ = 0;
};

}  // namespace

Result<std::string> small_answer(const Instance& instance, const Solution& solution,
                                 const RunFacts& run) {
  return SmallAnswer(instance, solution).render(run);
}

}  // namespace penstock::roster
