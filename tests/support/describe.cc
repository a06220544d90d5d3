// SPDX-License-Identifier: MIT
#include "tests/support/describe.h"

#include "rules/job_state.h"

#include <algorithm>

namespace penstock::testing {
namespace {

std::string with_counts(const Job& job) {
  std::string text = job.task;
  if (job.attempt > 0) text += '(' + std::to_string(job.attempt) + ')';
  return text + std::string(static_cast<std::size_t>(job.crashes), '!');
}

}  // namespace

std::string describe(const std::vector<Job>& newest_first) {
  std::string line;
  for (const JobState state : rules::all_states) {
    // By name: jobs of several lanes that came in the same millisecond have no other order.
    std::vector<std::string> words;
    for (const Job& job : newest_first) {
      if (job.state == state) words.push_back(with_counts(job));
    }
    std::ranges::sort(words);
    std::string names;
    for (const std::string& word : words) names += ' ' + word;
    if (names.empty()) continue;
    if (!line.empty()) line += " | ";
    line += std::string(rules::to_text(state)) + ':' + names;
  }
  return line;
}

std::string describe(Store& store) { return describe(all_jobs(store)); }

std::string describe(const Counts& counts) {
  std::string line;
  for (const JobState state : rules::all_states) {
    if (counts.of(state) == 0) continue;
    if (!line.empty()) line += " | ";
    line += std::string(rules::to_text(state)) + ": " + std::to_string(counts.of(state));
  }
  return line;
}

std::string recount(Store& store) {
  Counts counts;
  for (const Job& job : all_jobs(store)) ++counts.jobs[static_cast<std::size_t>(job.state)];
  return describe(counts);
}

std::string tasks_of(const std::vector<Reserved>& jobs) {
  std::string line;
  for (const Reserved& job : jobs) line += (line.empty() ? "" : " ") + job.task;
  return line;
}

std::vector<Job> all_jobs(Store& store) {
  std::vector<Job> jobs;
  Filter filter{.limit = 1000};
  while (true) {
    auto page = std::get<Page<Job>>(store.list(filter).value());
    for (Job& job : page.items) jobs.push_back(std::move(job));
    if (page.next_cursor.empty()) return jobs;
    filter.cursor = page.next_cursor;
  }
}

}  // namespace penstock::testing
