// SPDX-License-Identifier: MIT
#include "rules/run_edit.h"

#include "rules/run_log.h"
#include "rules/whole_number.h"

#include <algorithm>

namespace penstock::rules {
namespace {

std::optional<std::int64_t> number_in(const std::optional<std::string>& field) {
  return field ? whole_number(*field) : std::nullopt;
}

}  // namespace

const std::optional<std::string>& RunFacts::at(const std::string& field) const {
  static const std::optional<std::string> absent;
  const auto known = fields_.find(field);
  return known == fields_.end() ? absent : known->second;
}

void RunFacts::learn(const RunConflict& conflict) {
  for (const RunField& field : conflict.actual) fields_[field.name] = field.value;
}

void RunFacts::learn(std::string field, std::optional<std::string> value) {
  fields_[std::move(field)] = std::move(value);
}

void RunFacts::count(const RunAdd& add) {
  const auto known = fields_.find(add.name);
  if (known == fields_.end()) return;
  auto sum = sum_of(known->second, {.name = add.name, .by = add.by});
  if (sum) known->second = std::move(sum);
  if (!sum) fields_.erase(known);
}

// Only what a decision has read before is worth keeping: the rest would be results.
void RunFacts::assume(const RunChange& change) {
  for (const RunField& field : change.expect) fields_.try_emplace(field.name, field.value);
  for (const RunAdd& add : change.add) count(add);
  for (const RunField& field : change.set) {
    const auto known = fields_.find(field.name);
    if (known != fields_.end()) known->second = field.value;
  }
}

void RunFacts::take_back(const RunChange& change) {
  for (const RunAdd& add : change.add) {
    const bool negative = add.by.starts_with('-');
    count({.name = add.name, .by = negative ? add.by.substr(1) : '-' + add.by});
  }
  for (const RunField& field : change.set) fields_.erase(field.name);
  for (const RunField& field : change.expect) fields_[field.name] = field.value;
}

std::optional<std::string> RunEdit::read(const std::string& field) {
  const auto own = written_.find(field);
  if (own != written_.end()) return own->second;
  const auto& value = facts_.at(field);
  if (expected_.insert(field).second) change_.expect.push_back({.name = field, .value = value});
  const RunAdd* add = added(field);
  if (!add) return value;
  auto sum = sum_of(value, {.name = field, .by = add->by});
  put(field, sum);
  return sum;
}

std::optional<std::string> RunEdit::guess(const std::string& field) const {
  const auto own = written_.find(field);
  if (own != written_.end()) return own->second;
  const RunAdd* add = added(field);
  const auto& known = facts_.at(field);
  return add ? sum_of(known, {.name = field, .by = add->by}) : known;
}

std::optional<std::int64_t> RunEdit::guess_number(const std::string& field) const {
  return number_in(guess(field));
}

std::int64_t RunEdit::read_number(const std::string& field, std::int64_t absent) {
  return number_in(read(field)).value_or(absent);
}

// What was added and appended before is gone with the value that it was added to.
void RunEdit::put(const std::string& field, std::optional<std::string> value) {
  std::erase_if(change_.add, [&](const RunAdd& add) { return add.name == field; });
  std::erase_if(change_.append, [&](const RunAppend& one) { return one.list == field; });
  written_[field] = std::move(value);
}

const RunAdd* RunEdit::added(const std::string& field) const {
  const auto found = std::ranges::find(change_.add, field, &RunAdd::name);
  return found == change_.add.end() ? nullptr : &*found;
}

// Two to one field become one, as long as they are whole numbers within one pair of bounds.
void RunEdit::add(RunAdd add) {
  if (const auto own = written_.find(add.name); own != written_.end()) {
    if (auto all = sum_of(own->second, add)) {
      own->second = std::move(all);
      return;
    }
  }
  const auto before = std::ranges::find(change_.add, add.name, &RunAdd::name);
  const bool alike = before != change_.add.end() && before->at_least == add.at_least &&
                     before->at_most == add.at_most;
  const auto sum = alike ? sum_of(before->by, {.name = add.name, .by = add.by}) : std::nullopt;
  if (number_in(sum)) {
    before->by = *sum;
  } else {
    change_.add.push_back(std::move(add));
  }
}

void RunEdit::job(RunJob job) {
  written_.erase(job.field);
  change_.jobs.push_back(std::move(job));
}

RunChange RunEdit::take() {
  for (auto& [name, value] : written_) {
    change_.set.push_back({.name = name, .value = std::move(value)});
  }
  written_.clear();
  if (log_place_) append("log", write_log_line(change_, *log_place_));
  return std::move(change_);
}

}  // namespace penstock::rules
