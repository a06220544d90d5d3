// SPDX-License-Identifier: MIT
//
// Two passes: the text is cut into sections first, so that a section may refer to one that comes
// later in the file. After the first mistake every step does nothing, and parse() reports it.
#include "apps/roster/benchmark_format.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace penstock::roster {
namespace {

constexpr int max_number = 1'000'000;
constexpr std::size_t max_id_bytes = 64;

struct Section {
  std::string_view name;
  bool required = true;
};

constexpr std::array<Section, 7> sections{{{"SECTION_HORIZON"},
                                           {"SECTION_SHIFTS"},
                                           {"SECTION_STAFF"},
                                           {"SECTION_DAYS_OFF", false},
                                           {"SECTION_SHIFT_ON_REQUESTS", false},
                                           {"SECTION_SHIFT_OFF_REQUESTS", false},
                                           {"SECTION_COVER"}}};

struct Line {
  int number = 0;
  std::vector<std::string_view> fields;
};

std::string_view trim(std::string_view text) {
  constexpr std::string_view blanks = " \t\r";
  const auto first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const auto end = text.find(separator);
    parts.push_back(trim(text.substr(0, end)));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::optional<int> as_number(std::string_view text) {
  int value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// The value as it may be shown in a message: short, and only printable ASCII.
std::string quoted(std::string_view text) {
  std::string shown = "'";
  for (const char c : text.substr(0, 40)) shown += c < ' ' || c > '~' ? '?' : c;
  return shown + (text.size() > 40 ? "...'" : "'");
}

class BenchmarkParser {
 public:
  Result<Instance> parse(std::string_view text) {
    cut(text);
    for (const Section& section : sections) {
      if (section.required && lines_of(section.name).empty()) {
        fail(0, std::string(section.name) + " is missing or empty; add it with at least one line");
      }
    }
    read_horizon();
    each("SECTION_SHIFTS", [this](const Line& line) { read_shift(line); });
    each("SECTION_SHIFTS", [this](const Line& line) { read_followers(line); });
    each("SECTION_STAFF", [this](const Line& line) { read_employee(line); });
    check_size();
    if (!error_) instance_.open_cells();
    each("SECTION_DAYS_OFF", [this](const Line& line) { read_days_off(line); });
    each("SECTION_SHIFT_ON_REQUESTS", [this](const Line& line) { read_request(line, Wish::work); });
    each("SECTION_SHIFT_OFF_REQUESTS",
         [this](const Line& line) { read_request(line, Wish::rest); });
    each("SECTION_COVER", [this](const Line& line) { read_cover(line); });
    if (error_) return *error_;
    return std::move(instance_);
  }

 private:
  void fail(int line, const std::string& what, Errc code = Errc::invalid) {
    if (error_) return;
    error_ = Error{code, line == 0 ? what : "line " + std::to_string(line) + ": " + what};
  }

  const std::vector<Line>& lines_of(std::string_view name) { return lines_[name]; }

  template <class Read>
  void each(std::string_view name, Read read) {
    for (const Line& line : lines_of(name)) {
      if (error_) return;
      read(line);
    }
  }

  void cut(std::string_view text) {
    if (text.size() > max_input_bytes) {
      fail(0,
           "the input has " + std::to_string(text.size()) + " bytes; at most " +
               std::to_string(max_input_bytes) + " are read",
           Errc::too_large);
      return;
    }
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    std::string_view current;
    std::set<std::string_view> seen;
    for (int number = 1; !text.empty() && !error_; ++number) {
      const auto end = text.find('\n');
      std::string_view line = text.substr(0, end);
      text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
      line = trim(line.substr(0, line.find('#')));
      if (line.empty()) continue;
      if (line.starts_with("SECTION_")) {
        current = section_named(number, line);
        if (!seen.insert(current).second) {
          fail(number, std::string(current) + " is there twice; keep one");
        }
      } else if (current.empty()) {
        fail(number, quoted(line) + " is before the first section; start with SECTION_HORIZON");
      } else {
        lines_[current].push_back({number, split(line, ',')});
      }
    }
  }

  std::string_view section_named(int number, std::string_view line) {
    for (const Section& section : sections) {
      if (section.name == line) return section.name;
    }
    fail(number, "unknown section " + quoted(line) +
                     "; the sections are SECTION_HORIZON, _SHIFTS, " +
                     "_STAFF, _DAYS_OFF, _SHIFT_ON_REQUESTS, _SHIFT_OFF_REQUESTS and _COVER");
    return {};
  }

  bool has_fields(const Line& line, std::size_t wanted, std::string_view shape) {
    if (line.fields.size() == wanted) return true;
    fail(line.number, "has " + std::to_string(line.fields.size()) + " fields where " +
                          std::to_string(wanted) + " belong; write " + std::string(shape));
    return false;
  }

  int number(const Line& line, std::string_view text, std::string_view what, int most) {
    const auto value = as_number(text);
    if (!value) {
      fail(line.number, quoted(text) + " is text where " + std::string(what) +
                            " belongs; write a whole number from 0 to " + std::to_string(most));
    } else if (*value < 0 || *value > most) {
      fail(line.number, std::string(what) + " " + quoted(text) + " is out of range; use 0 to " +
                            std::to_string(most));
    }
    return value.value_or(0);
  }

  int day(const Line& line, std::string_view text) {
    const auto value = as_number(text);
    if (value && (*value < 0 || *value >= instance_.days)) {
      fail(line.number, "day " + quoted(text) + " is outside the horizon; use 0 to " +
                            std::to_string(instance_.days - 1));
      return 0;
    }
    return number(line, text, "a day", instance_.days - 1);
  }

  int reference(const Line& line, std::string_view text, std::string_view what,
                const std::map<std::string, int, std::less<>>& known, std::string_view section) {
    const auto found = known.find(text);
    if (found != known.end()) return found->second;
    std::string problem = std::string(what) + " " + quoted(text) + " is unknown";
    if (as_number(text)) {
      problem = quoted(text) + " is a number where the ID of a " + std::string(what) + " belongs";
    }
    fail(line.number, problem + "; use an ID of " + std::string(section));
    return 0;
  }

  int employee(const Line& line, std::string_view text) {
    return reference(line, text, "employee", employees_, "SECTION_STAFF");
  }
  int shift(const Line& line, std::string_view text) {
    return reference(line, text, "shift", shifts_, "SECTION_SHIFTS");
  }

  void add_id(const Line& line, std::string_view id, std::string_view what,
              std::map<std::string, int, std::less<>>& known) {
    if (id.empty() || id.size() > max_id_bytes) {
      fail(line.number, std::string(what) + " ID " + quoted(id) + " has " +
                            std::to_string(id.size()) + " bytes; use 1 to 64");
    } else if (!known.emplace(id, static_cast<int>(known.size())).second) {
      fail(line.number, std::string(what) + " " + quoted(id) + " is there twice; keep one");
    }
  }

  void read_horizon() {
    if (error_) return;
    const auto& lines = lines_of("SECTION_HORIZON");
    const Line& line = lines.front();
    if (lines.size() > 1) {
      fail(lines[1].number,
           quoted(lines[1].fields.front()) + " is a second horizon; keep one number of days");
    }
    if (!has_fields(line, 1, "the number of days")) return;
    instance_.days = number(line, line.fields[0], "the number of days", max_days);
    if (instance_.days == 0) fail(line.number, "the horizon is '0' days; use at least 1");
  }

  void read_shift(const Line& line) {
    if (line.fields.size() == 2) {
      fail(line.number, "has no third field; end the line with ',' when any shift may follow");
    }
    if (!has_fields(line, 3, "shift,minutes,forbidden|followers")) return;
    add_id(line, line.fields[0], "shift", shifts_);
    Shift shift;
    shift.id = line.fields[0];
    shift.minutes = number(line, line.fields[1], "the minutes of a shift", 24 * 60);
    instance_.shifts.push_back(std::move(shift));
  }

  void read_followers(const Line& line) {
    if (line.fields[2].empty()) return;
    Shift& from = instance_.shifts[static_cast<std::size_t>(shift(line, line.fields[0]))];
    for (const auto name : split(line.fields[2], '|')) {
      const int follower = shift(line, name);
      if (std::ranges::count(from.forbidden_followers, follower) != 0) {
        fail(line.number, "follower " + quoted(name) + " is there twice; keep one");
      }
      from.forbidden_followers.push_back(follower);
    }
  }

  void read_employee(const Line& line) {
    if (!has_fields(line, 8,
                    "employee,shift=max|...,MaxTotalMinutes,MinTotalMinutes,"
                    "MaxConsecutiveShifts,MinConsecutiveShifts,MinConsecutiveDaysOff,"
                    "MaxWeekends")) {
      return;
    }
    add_id(line, line.fields[0], "employee", employees_);
    Employee employee;
    employee.id = line.fields[0];
    Limits& limits = employee.limits;
    limits.max_shifts = max_shifts(line, line.fields[1]);
    limits.max_minutes = number(line, line.fields[2], "MaxTotalMinutes", max_number);
    limits.min_minutes = number(line, line.fields[3], "MinTotalMinutes", max_number);
    limits.max_consecutive = number(line, line.fields[4], "MaxConsecutiveShifts", max_number);
    limits.min_consecutive = number(line, line.fields[5], "MinConsecutiveShifts", max_number);
    limits.min_days_off = number(line, line.fields[6], "MinConsecutiveDaysOff", max_number);
    limits.max_weekends = number(line, line.fields[7], "MaxWeekends", max_number);
    if (limits.min_minutes > limits.max_minutes) {
      fail(line.number, "MinTotalMinutes " + quoted(line.fields[3]) + " is above MaxTotalMinutes " +
                            quoted(line.fields[2]) + "; swap or correct them");
    }
    instance_.employees.push_back(std::move(employee));
  }

  std::vector<int> max_shifts(const Line& line, std::string_view text) {
    std::vector<int> limits(instance_.shifts.size(), unlimited);
    std::set<int> seen;
    if (text.empty()) return limits;
    for (const auto part : split(text, '|')) {
      const auto sides = split(part, '=');
      if (sides.size() != 2) {
        fail(line.number, quoted(part) + " is not a limit of a shift; write it like D=14");
        return limits;
      }
      const int type = shift(line, sides[0]);
      if (!seen.insert(type).second) {
        fail(line.number, "shift " + quoted(sides[0]) + " has two limits; keep one");
      }
      limits[static_cast<std::size_t>(type)] =
          number(line, sides[1], "the most shifts of a type", max_number);
    }
    return limits;
  }

  void check_size() {
    if (instance_.shift_count() > max_shift_types) {
      fail(0,
           "the file has " + std::to_string(instance_.shift_count()) + " shifts; at most " +
               std::to_string(max_shift_types) + " are read",
           Errc::too_large);
    }
    if (instance_.employee_count() > max_employees) {
      fail(0,
           "the file has " + std::to_string(instance_.employee_count()) + " employees; at most " +
               std::to_string(max_employees) + " are read",
           Errc::too_large);
    }
    if (instance_.cell_index(instance_.employee_count(), 0, 0) > max_cells) {
      fail(0,
           "employees times days times shifts is above " + std::to_string(max_cells) +
               "; split the instance",
           Errc::too_large);
    }
  }

  void read_days_off(const Line& line) {
    if (line.fields.size() < 2) {
      fail(line.number, quoted(line.fields[0]) + " has no day; write employee,day,...");
      return;
    }
    const int who = employee(line, line.fields[0]);
    for (std::size_t i = 1; i < line.fields.size(); ++i) {
      const int when = day(line, line.fields[i]);
      if (error_) return;
      for (int shift = 0; shift < instance_.shift_count(); ++shift) {
        instance_.cells[instance_.cell_index(who, when, shift)] = Cell::day_off;
      }
    }
  }

  void read_request(const Line& line, Wish wish) {
    if (!has_fields(line, 4, "employee,day,shift,weight")) return;
    Request request;
    request.employee = employee(line, line.fields[0]);
    request.day = day(line, line.fields[1]);
    request.shift = shift(line, line.fields[2]);
    request.weight = number(line, line.fields[3], "a weight", max_weight);
    request.wish = wish;
    if (!requested_.emplace(request.employee, request.day, request.shift, wish).second) {
      fail(line.number, "the same request of " + quoted(line.fields[0]) + " on day " +
                            quoted(line.fields[1]) + " is there twice; keep one");
    }
    instance_.requests.push_back(request);
  }

  void read_cover(const Line& line) {
    if (!has_fields(line, 5, "day,shift,required,under weight,over weight")) return;
    Cover cover;
    cover.day = day(line, line.fields[0]);
    cover.shift = shift(line, line.fields[1]);
    cover.required = number(line, line.fields[2], "the required people", max_number);
    cover.under = number(line, line.fields[3], "a weight", max_weight);
    cover.over = number(line, line.fields[4], "a weight", max_weight);
    if (!covered_.emplace(cover.day, cover.shift).second) {
      fail(line.number, "the cover of shift " + quoted(line.fields[1]) + " on day " +
                            quoted(line.fields[0]) + " is there twice; keep one");
    }
    instance_.covers.push_back(cover);
  }

  Instance instance_;
  std::optional<Error> error_;
  std::map<std::string_view, std::vector<Line>> lines_;
  std::map<std::string, int, std::less<>> shifts_;
  std::map<std::string, int, std::less<>> employees_;
  std::set<std::tuple<int, int, int, Wish>> requested_;
  std::set<std::pair<int, int>> covered_;
};

}  // namespace

Result<Instance> parse_benchmark(std::string_view text) { return BenchmarkParser().parse(text); }

}  // namespace penstock::roster
