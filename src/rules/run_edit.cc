// SPDX-License-Identifier: MIT
#include "rules/run_edit.h"

#include "rules/run_log.h"

#include <charconv>

namespace penstock::rules {

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

// Only what a decision has read before is worth keeping: the rest would be results.
void RunFacts::assume(const RunChange& change) {
  for (const RunField& field : change.expect) fields_.try_emplace(field.name, field.value);
  for (const RunField& field : change.set) {
    const auto known = fields_.find(field.name);
    if (known != fields_.end()) known->second = field.value;
  }
}

void RunFacts::take_back(const RunChange& change) {
  for (const RunField& field : change.set) fields_.erase(field.name);
  for (const RunField& field : change.expect) fields_[field.name] = field.value;
}

std::optional<std::string> RunEdit::read(const std::string& field) {
  const auto own = written_.find(field);
  if (own != written_.end()) return own->second;
  const auto& value = facts_.at(field);
  if (expected_.insert(field).second) change_.expect.push_back({.name = field, .value = value});
  return value;
}

std::optional<std::string> RunEdit::guess(const std::string& field) const {
  const auto own = written_.find(field);
  return own != written_.end() ? own->second : facts_.at(field);
}

std::int64_t RunEdit::read_number(const std::string& field, std::int64_t absent) {
  const auto text = read(field);
  if (!text) return absent;
  std::int64_t value = absent;
  std::from_chars(text->data(), text->data() + text->size(), value);
  return value;
}

void RunEdit::put(const std::string& field, std::optional<std::string> value) {
  written_[field] = std::move(value);
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
