// SPDX-License-Identifier: MIT
//
// Every read goes through Field, which keeps the first mistake; parse_small reports it at the end.
#include "apps/roster/small_format.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <limits>
#include <string>
#include <utility>

#include <nlohmann/json.hpp>

#include "apps/roster/calendar.h"
#include "apps/roster/eligibility.h"
#include "apps/roster/json_fields.h"

namespace penstock::roster {
namespace {

constexpr int minutes_per_day = 24 * 60;

std::int64_t date(const Field& field) {
  const std::string text = field.text();
  const auto day = parse_date(text);
  if (!day) field.fail(field.shown() + " is not a date; write it like 2025-12-01");
  return day.value_or(0);
}

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

std::set<std::string> names(const Field& field, std::string_view key) {
  std::set<std::string> names;
  for (const Field& item : field.items_of(key)) names.insert(item.text());
  return names;
}

/// A wish that admits anybody is the empty text.
std::string unless_any(std::string text) {
  const std::string small = lower(text);
  return small == "any" || small == "all" || small == "global" ? std::string() : text;
}

/// A demand's shift, before it is joined with a requirement.
struct DemandShift {
  Post post;
  int start = 0;  ///< Minutes after midnight.
  int minutes = 0;
  std::set<int> weekdays;
  bool on_holidays = true;
  Opening opening;
};

class SmallParser {
 public:
  explicit SmallParser(const nlohmann::json& document) : root_(document, error_) {}

  Result<Instance> parse() {
    read_heading();
    read_constraints();
    for (const Field& item : root_["employees"].items(max_employees)) read_employee(item);
    for (const Field& item : root_["demandItems"].items(max_employees)) read_demand(item);
    check_totals();
    if (error_) return *error_;
    finish();
    return std::move(instance_);
  }

 private:
  void read_heading() {
    instance_.format = Format::small_json;
    instance_.schema_version = root_.text_of("schemaVersion", "0.70");
    instance_.reference = root_.text_of("planningReference");
    const Field horizon = root_[root_.has("planningHorizon") ? "planningHorizon" : "planning"];
    instance_.start_day = date(horizon["startDate"]);
    const std::int64_t last = date(horizon["endDate"]);
    if (last < instance_.start_day) {
      horizon["endDate"].fail(horizon["endDate"].shown() + " is before startDate; swap them");
    } else if (last - instance_.start_day >= max_days) {
      horizon["endDate"].fail(
          "the horizon has more than " + std::to_string(max_days) + " days; plan fewer",
          Errc::too_large);
    }
    if (error_) return;
    instance_.days = static_cast<int>(last - instance_.start_day) + 1;
    instance_.first_weekday = weekday_of(instance_.start_day);
    for (const Field& item : root_.items_of("publicHolidays")) {
      holidays_.insert(date(item.is_object() ? item["date"] : item));
    }
    if (root_.has("solverRunTime") && root_["solverRunTime"].has("maxSeconds")) {
      instance_.max_seconds = root_["solverRunTime"]["maxSeconds"].number(1, 86'400);
    }
    if (!root_.flag_of("fixedRotationOffset", true)) {
      root_["fixedRotationOffset"].fail(
          "free rotation offsets are not supported; set it to true and give each employee a "
          "rotationOffset");
    }
    read_schemes();
  }

  void read_schemes() {
    if (!root_.has("schemeMap")) return;
    for (const auto* letter : {"A", "B", "C", "P", "M", "G"}) {
      const Field map = root_["schemeMap"];
      if (map.has(letter)) schemes_[map[letter].text()] = letter;
    }
  }

  std::string scheme(const std::string& text) const {
    const auto found = schemes_.find(text);
    return unless_any(found == schemes_.end() ? text : found->second);
  }

  void read_constraints() {
    for (const Field& item : root_.items_of("constraintList")) {
      const std::string id = item["id"].text();
      const bool hard = lower(item.text_of("enforcement", "hard")) == "hard";
      if (id == "oneShiftPerDay" || !hard) continue;
      if (id == "maxConsecutiveDays") {
        max_consecutive_ = item["params"]["days"].number(1, max_days);
      } else if (id == "minRest") {
        min_rest_ = item["params"]["minutes"].number(0, 2 * minutes_per_day);
      } else {
        instance_.notes.push_back("constraint " + id + " is not enforced");
      }
    }
  }

  void read_employee(const Field& item) {
    Candidate candidate;
    candidate.id = item["employeeId"].text();
    if (!employee_ids_.insert(candidate.id).second) {
      item["employeeId"].fail(item["employeeId"].shown() + " is there twice; keep one");
    }
    candidate.team = item.text_of("teamId");
    candidate.product = item.text_of("productTypeId");
    candidate.rank = item.text_of("rankId");
    candidate.scheme = scheme(item.text_of("scheme"));
    candidate.gender = item.text_of("gender");
    if (item.has("rotationOffset")) {
      candidate.rotation_offset = item["rotationOffset"].number(0, max_days);
    }
    for (const Field& skill : item.items_of("qualifications")) read_qualification(skill, candidate);
    for (const Field& absence : item.items_of("unavailability")) read_absence(absence, candidate);
    Employee employee;
    employee.id = candidate.id;
    employee.limits.max_consecutive = max_consecutive_;
    instance_.employees.push_back(std::move(employee));
    candidates_.push_back(std::move(candidate));
  }

  static void read_qualification(const Field& skill, Candidate& candidate) {
    std::int64_t last = std::numeric_limits<std::int64_t>::max();
    if (skill.is_object() && skill.has("expiryDate")) last = date(skill["expiryDate"]);
    candidate.qualifications[skill.is_object() ? skill["code"].text() : skill.text()] = last;
  }

  /// A date, {"date"}, or {"startDate","endDate"}.
  void read_absence(const Field& absence, Candidate& candidate) const {
    const bool range = absence.is_object() && absence.has("startDate");
    const Field first =
        range ? absence["startDate"] : (absence.is_object() ? absence["date"] : absence);
    const std::int64_t from = std::max(date(first), instance_.start_day);
    const std::int64_t to = std::min(range ? date(absence["endDate"]) : date(first),
                                     instance_.start_day + instance_.days - 1);
    for (std::int64_t day = from; day <= to; ++day) candidate.unavailable.insert(day);
  }

  void read_demand(const Field& item) {
    const std::string demand = item["demandId"].text();
    std::int64_t start = instance_.start_day;
    if (item.has("shiftStartDate")) start = date(item["shiftStartDate"]);
    for (const Field& shift : item["shifts"].items()) {
      for (const Field& detail : shift["shiftDetails"].items()) {
        DemandShift known = read_shift(shift, detail, start);
        known.post.demand = demand;
        for (const Field& requirement : item["requirements"].items()) {
          if (error_) return;
          add_opening(requirement, known, start);
        }
      }
    }
  }

  DemandShift read_shift(const Field& shift, const Field& detail, std::int64_t start) {
    DemandShift known;
    known.post.code = detail["shiftCode"].text();
    known.post.start = detail["start"].text();
    known.post.end = detail["end"].text();
    known.post.ends_next_day = detail.flag_of("nextDay", false);
    const auto from = parse_time_of_day(known.post.start);
    const auto to = parse_time_of_day(known.post.end);
    for (const auto* key : {"start", "end"}) {
      if ((*key == 's' ? from : to).has_value()) continue;
      detail[key].fail(detail[key].shown() + " is not a time; write it like 08:00");
    }
    known.start = from.value_or(0);
    known.minutes = to.value_or(0) - known.start + (known.post.ends_next_day ? minutes_per_day : 0);
    if (known.minutes <= 0 || known.minutes > minutes_per_day) {
      detail["end"].fail("the shift lasts " + std::to_string(known.minutes) +
                         " minutes; use 1 to 1440, with nextDay true when it ends after midnight");
    }
    for (const Field& day : shift.items_of("coverageDays")) {
      const auto weekday = parse_weekday(day.text());
      if (!weekday) day.fail(day.shown() + " is not a weekday; write Mon, Tue, Wed and so on");
      known.weekdays.insert(weekday.value_or(0));
    }
    if (!shift.has("coverageDays")) known.weekdays = {0, 1, 2, 3, 4, 5, 6};
    known.on_holidays = shift.flag_of("includePublicHolidays", true);
    known.opening.anchor = start;
    if (shift.has("coverageAnchor")) known.opening.anchor = date(shift["coverageAnchor"]);
    read_lists(shift, known.opening);
    known.opening.code = known.post.code;
    return known;
  }

  static void read_lists(const Field& shift, Opening& opening) {
    if (shift.has("whitelist")) {
      opening.white_teams = names(shift["whitelist"], "teamIds");
      opening.white_employees = names(shift["whitelist"], "employeeIds");
    }
    if (shift.has("blacklist")) {
      opening.black_teams = names(shift["blacklist"], "teamIds");
      opening.black_employees = names(shift["blacklist"], "employeeIds");
    }
  }

  void add_opening(const Field& requirement, DemandShift known, std::int64_t start) {
    Opening& opening = known.opening;
    known.post.requirement = requirement["requirementId"].text();
    for (const Field& place : requirement["workPattern"].items(max_days)) {
      opening.pattern.push_back(place.text());
    }
    if (opening.pattern.empty()) {
      requirement["workPattern"].fail("is empty; write shift codes and \"O\" for rest");
    }
    opening.product = unless_any(requirement.text_of("productTypeId"));
    opening.rank = unless_any(requirement.text_of("rankId"));
    const char* scheme_key = requirement.has("Scheme") ? "Scheme" : "scheme";
    opening.scheme = scheme(requirement.text_of(scheme_key));
    opening.gender = unless_any(requirement.text_of("gender"));
    for (const auto& name : names(requirement, "requiredQualifications")) {
      opening.qualifications.push_back(name);
    }
    Shift shift;
    shift.id = known.post.demand + "/" + known.post.requirement + "/" + known.post.code;
    shift.minutes = known.minutes;
    if (!shift_ids_.insert(shift.id).second) {
      requirement["requirementId"].fail("shift " + shift.id +
                                        " is there twice; rename a demand, requirement or code");
    }
    const int headcount =
        requirement.has("headcount") ? requirement["headcount"].number(0, max_employees) : 1;
    if (instance_.shift_count() == max_shift_types) {
      requirement.fail("is one shift more than the " + std::to_string(max_shift_types) +
                           " that are read; split the input",
                       Errc::too_large);
    }
    if (error_) return;
    const int index = instance_.shift_count();
    instance_.shifts.push_back(std::move(shift));
    for (int day = 0; day < instance_.days; ++day) {
      const std::int64_t when = instance_.start_day + day;
      const bool holiday = holidays_.contains(when) && !known.on_holidays;
      if (when < start || holiday || !known.weekdays.contains(weekday_of(when))) continue;
      instance_.covers.push_back({day, index, headcount, 1, 0, true});
    }
    instance_.posts.push_back(known.post);
    openings_.push_back(std::move(known));
  }

  void check_totals() {
    if (error_) return;
    if (instance_.employees.empty()) root_["employees"].fail("is empty; add an employee");
    if (instance_.shifts.empty()) root_["demandItems"].fail("has no requirement with a shift");
    if (instance_.cell_index(instance_.employee_count(), 0, 0) > max_cells) {
      root_["demandItems"].fail("employees times days times shifts is too large; split the input",
                                Errc::too_large);
    }
  }

  void finish() {
    for (Employee& employee : instance_.employees) {
      employee.limits.max_shifts.assign(instance_.shifts.size(), unlimited);
    }
    instance_.cells.assign(instance_.cell_index(instance_.employee_count(), 0, 0),
                           Cell::not_covered);
    for (const Cover& cover : instance_.covers) {
      const Opening& opening = openings_[static_cast<std::size_t>(cover.shift)].opening;
      for (int e = 0; e < instance_.employee_count(); ++e) {
        instance_.cells[instance_.cell_index(e, cover.day, cover.shift)] = cell_for(
            candidates_[static_cast<std::size_t>(e)], opening, instance_.start_day + cover.day);
      }
    }
    for (std::size_t i = 0; i < openings_.size(); ++i) forbid_followers(i);
  }

  /// A shift may not begin before the rest after yesterday's shift is over.
  void forbid_followers(std::size_t index) {
    const int end = openings_[index].start + openings_[index].minutes;
    for (std::size_t other = 0; other < openings_.size(); ++other) {
      if (openings_[other].start + minutes_per_day >= end + min_rest_) continue;
      instance_.shifts[index].forbidden_followers.push_back(static_cast<int>(other));
    }
  }

  std::optional<Error> error_;
  Field root_;
  Instance instance_;
  std::map<std::string, std::string> schemes_;  ///< "SchemeA" to "A".
  std::set<std::int64_t> holidays_;
  int max_consecutive_ = unlimited;
  int min_rest_ = 0;
  std::set<std::string> employee_ids_;
  std::set<std::string> shift_ids_;
  std::vector<Candidate> candidates_;  ///< One for each employee.
  std::vector<DemandShift> openings_;  ///< One for each shift.
};

}  // namespace

Result<Instance> parse_small(const nlohmann::json& document) {
  return SmallParser(document).parse();
}

}  // namespace penstock::roster
