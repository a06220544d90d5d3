// SPDX-License-Identifier: MIT
#include "apps/roster/slots.h"

#include <map>

#include "apps/roster/calendar.h"

namespace penstock::roster {
namespace {

int open_to(const Instance& instance, const Cover& cover) {
  int people = 0;
  for (int employee = 0; employee < instance.employee_count(); ++employee) {
    if (instance.cell(employee, cover.day, cover.shift) == Cell::open) ++people;
  }
  return people;
}

std::string name_of(const Instance& instance, const Cover& cover) {
  return instance.shifts[static_cast<std::size_t>(cover.shift)].id + " on " +
         format_date(instance.start_day + cover.day);
}

}  // namespace

std::string_view to_string(Cell cell) {
  switch (cell) {
    case Cell::open:
      return "open";
    case Cell::day_off:
      return "day_off";
    case Cell::not_covered:
      return "not_covered";
    case Cell::pattern_rests:
      return "pattern_rests";
    case Cell::not_whitelisted:
      return "not_whitelisted";
    case Cell::blacklisted:
      return "blacklisted";
    case Cell::wrong_scheme:
      return "wrong_scheme";
    case Cell::wrong_gender:
      return "wrong_gender";
    case Cell::wrong_product:
      return "wrong_product";
    case Cell::wrong_rank:
      return "wrong_rank";
    case Cell::not_qualified:
      return "not_qualified";
    case Cell::unavailable:
      return "unavailable";
  }
  return "open";
}

std::vector<UnfilledSlot> unfilled_slots(const Instance& instance, const Roster& roster) {
  std::vector<UnfilledSlot> unfilled;
  for (std::size_t i = 0; i < instance.covers.size(); ++i) {
    const Cover& cover = instance.covers[i];
    if (!cover.exact) continue;
    int missing = cover.required;
    for (const Row& row : roster) {
      if (row[static_cast<std::size_t>(cover.day)] == cover.shift) --missing;
    }
    if (missing > 0) unfilled.push_back({static_cast<int>(i), missing});
  }
  return unfilled;
}

std::string explain_slot(const Instance& instance, const Cover& cover) {
  std::map<Cell, int> reasons;
  for (int employee = 0; employee < instance.employee_count(); ++employee) {
    ++reasons[instance.cell(employee, cover.day, cover.shift)];
  }
  std::string text = "needs " + std::to_string(cover.required) + ", open to " +
                     std::to_string(reasons[Cell::open]);
  for (const auto& [cell, people] : reasons) {
    if (cell == Cell::open) continue;
    text += ", " + std::to_string(people) + " " + std::string(to_string(cell));
  }
  return text;
}

std::string describe_unfilled(const Instance& instance, const Roster& roster) {
  const auto unfilled = unfilled_slots(instance, roster);
  if (unfilled.empty()) return {};
  int missing = 0;
  const Cover* worst = nullptr;
  for (const UnfilledSlot& slot : unfilled) {
    const Cover& cover = instance.covers[static_cast<std::size_t>(slot.cover)];
    missing += slot.missing;
    if (worst == nullptr || open_to(instance, cover) < open_to(instance, *worst)) worst = &cover;
  }
  const bool nobody = open_to(instance, *worst) == 0;
  return std::to_string(missing) + (missing == 1 ? " slot stays" : " slots stay") + " empty; " +
         (nobody ? "nobody can take " : "hardest is ") + name_of(instance, *worst) + " (" +
         explain_slot(instance, *worst) + ")";
}

}  // namespace penstock::roster
