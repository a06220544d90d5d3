// SPDX-License-Identifier: MIT
#include "apps/roster/table.h"

#include <algorithm>
#include <string_view>

#include "apps/roster/calendar.h"

namespace penstock::roster {
namespace {

constexpr int days_per_block = 28;

std::string padded(std::string text, std::size_t width) {
  text.resize(std::max(width, text.size()), ' ');
  return text;
}

std::string mark(const Instance& instance, int shift) {
  if (shift == off) return ".";
  const auto index = static_cast<std::size_t>(shift);
  return instance.posts.empty() ? instance.shifts[index].id : instance.posts[index].code;
}

std::string heading(const Instance& instance, int day) {
  if (instance.format == Format::benchmark) return std::to_string(day);
  return format_date(instance.start_day + day).substr(8);
}

void end_line(std::string& text) {
  text.resize(text.find_last_not_of(' ') + 1);
  text += '\n';
}

}  // namespace

std::string render_table(const Instance& instance, const Roster& roster) {
  constexpr std::string_view weekdays = "MTWTFSS";
  std::size_t names = 0;
  for (const Employee& employee : instance.employees) names = std::max(names, employee.id.size());
  std::size_t width = 2;
  for (int s = 0; s < instance.shift_count(); ++s) {
    width = std::max(width, mark(instance, s).size());
  }
  std::string text;
  for (int first = 0; first < instance.days; first += days_per_block) {
    const int end = std::min(first + days_per_block, instance.days);
    if (first > 0) text += '\n';
    std::string days = padded("", names);
    std::string numbers = days;
    for (int day = first; day < end; ++day) {
      const auto weekday = static_cast<std::size_t>(instance.weekday(day));
      days += " " + padded(std::string(1, weekdays[weekday]), width);
      numbers += " " + padded(heading(instance, day), width);
    }
    end_line(days);
    end_line(numbers);
    text += days + numbers;
    for (std::size_t e = 0; e < roster.size(); ++e) {
      std::string line = padded(instance.employees[e].id, names);
      for (int day = first; day < end; ++day) {
        line += " " + padded(mark(instance, roster[e][static_cast<std::size_t>(day)]), width);
      }
      end_line(line);
      text += line;
    }
  }
  return text;
}

}  // namespace penstock::roster
