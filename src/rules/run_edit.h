// SPDX-License-Identifier: MIT
//
// Deciding on a run whose fields may change meanwhile. A decision reads what it needs through a
// RunEdit, which guesses from what was last known (RunFacts; unknown is absent) and notes what the
// decision was taken on. The store refuses the change when a guess was wrong and says what is
// true; then the decision is taken again. So a run needs neither a lock nor a read before a write.
#pragma once

#include "rules/run_change.h"

#include <map>
#include <set>
#include <string>
#include <string_view>

namespace penstock::rules {

/// What is known of the fields of one run.
class RunFacts {
 public:
  [[nodiscard]] const std::optional<std::string>& at(const std::string& field) const;
  void learn(const RunConflict& conflict);
  void learn(std::string field, std::optional<std::string> value);
  /// As if the change had been applied.
  void assume(const RunChange& change);
  /// It was not, after all: what it was decided on was true, but for what the conflict names.
  void take_back(const RunChange& change);
  [[nodiscard]] std::size_t size() const { return fields_.size(); }

 private:
  void count(const RunAdd& add);

  std::map<std::string, std::optional<std::string>> fields_ = {};
};

class RunEdit {
 public:
  RunEdit(std::string run, const RunFacts& facts) : facts_(facts) { change_.run = std::move(run); }

  /// The field as it is after this edit's own writes; the decision hangs on it.
  std::optional<std::string> read(const std::string& field);
  /// What is known of it; the decision does not hang on it.
  [[nodiscard]] std::optional<std::string> guess(const std::string& field) const;
  [[nodiscard]] std::optional<std::int64_t> guess_number(const std::string& field) const;
  std::int64_t read_number(const std::string& field, std::int64_t absent = 0);

  void write(const std::string& field, std::string value) { put(field, std::move(value)); }
  void write_number(const std::string& field, std::int64_t value) {
    put(field, std::to_string(value));
  }
  void erase(const std::string& field) { put(field, std::nullopt); }
  /// The decision hangs on nothing but the bounds.
  void add(RunAdd add);
  void append(std::string list, std::string value) {
    change_.append.push_back({.list = std::move(list), .value = std::move(value)});
  }
  void job(RunJob job);
  void wake(const std::string& field) { change_.wake.push_back(field); }
  /// The change is written down in the run's log too, as the end of `place`.
  void log(std::string place) { log_place_ = std::move(place); }
  void mark(RunMark mark) { change_.mark = std::move(mark); }

  [[nodiscard]] const std::string& run() const { return change_.run; }
  [[nodiscard]] std::size_t jobs() const { return change_.jobs.size(); }
  [[nodiscard]] RunChange take();

 private:
  void put(const std::string& field, std::optional<std::string> value);
  [[nodiscard]] const RunAdd* added(const std::string& field) const;

  const RunFacts& facts_;
  RunChange change_;
  std::map<std::string, std::optional<std::string>> written_ = {};
  std::set<std::string> expected_ = {};
  std::optional<std::string> log_place_ = {};
};

}  // namespace penstock::rules
