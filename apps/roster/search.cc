// SPDX-License-Identifier: MIT
#include "apps/roster/search.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace penstock::roster {

std::int64_t cost_of(const Instance& instance, const Roster& roster) {
  const auto shifts = instance.shifts.size();
  std::vector<int> working(static_cast<std::size_t>(instance.days) * shifts, 0);
  const auto place = [shifts](int day, int shift) {
    return static_cast<std::size_t>(day) * shifts + static_cast<std::size_t>(shift);
  };
  for (const Row& row : roster) {
    for (int day = 0; day < instance.days; ++day) {
      const int shift = row[static_cast<std::size_t>(day)];
      if (shift != off) ++working[place(day, shift)];
    }
  }
  std::int64_t cost = 0;
  for (const Request& request : instance.requests) {
    const Row& row = roster[static_cast<std::size_t>(request.employee)];
    const bool works = row[static_cast<std::size_t>(request.day)] == request.shift;
    if (works != (request.wish == Wish::work)) cost += request.weight;
  }
  for (const Cover& cover : instance.covers) {
    const std::int64_t missing = cover.required - working[place(cover.day, cover.shift)];
    cost += missing > 0 ? cover.under * missing : cover.over * -missing;
  }
  return cost;
}

Search::Search(const Instance& instance, const Options& options)
    : instance_(instance), options_(options), start_(options.now()) {}

void Search::offer(const Roster& roster) {
  const std::int64_t cost = cost_of(instance_, roster);
  if (cost_ && cost >= *cost_) return;
  cost_ = cost;
  roster_ = roster;
  if (announced_ && *announced_ <= cost) return;
  announced_ = cost;
  report();
}

void Search::raise_bound(double bound) {
  if (!(bound > -1e15)) return;
  auto rounded = static_cast<std::int64_t>(std::ceil(bound - 1e-6));
  if (cost_) rounded = std::min(rounded, *cost_);
  if (rounded <= bound_) return;
  bound_ = rounded;
  report();
}

double Search::seconds() const {
  return std::chrono::duration<double>(options_.now() - start_).count();
}

bool Search::over() const {
  return proven() || options_.stop.stop_requested() || seconds() >= options_.time_limit.count();
}

ProgramOptions Search::program_options(const Part& part) {
  ProgramOptions options;
  options.time_limit =
      (options_.time_limit - std::chrono::duration<double>(seconds())) * part.share;
  options.stop = options_.stop;
  if (cost_) options.cutoff = static_cast<double>(*cost_ - part.unavoidable) - 0.5;
  options.on_progress = [this, part](std::optional<double> incumbent, double bound) {
    if (incumbent) {
      const auto cost = static_cast<std::int64_t>(std::llround(*incumbent)) + part.unavoidable;
      if (!announced_ || cost < *announced_) {
        announced_ = cost;
        report();
      }
    }
    if (part.exact) raise_bound(bound + static_cast<double>(part.unavoidable));
  };
  return options;
}

void Search::report() const {
  if (options_.on_progress) options_.on_progress({announced_, bound_, seconds()});
}

}  // namespace penstock::roster
