// SPDX-License-Identifier: MIT
//
// Random changes of runs on a store and on the models of runs and jobs, each alone in a call of
// `signal`. What the two make of it must be the same.
#pragma once

#include "tests/store/conformance.h"
#include "tests/store/model.h"
#include "tests/store/run_model.h"

#include <random>

namespace penstock::testing {

class RunFuzz {
 public:
  RunFuzz(StoreUnderTest& store, Producer& producer, Model& jobs, std::mt19937_64& dice)
      : store_(store), producer_(producer), jobs_(jobs), dice_(dice) {}

  /// One random call on both; what it did.
  std::string signal();
  /// Forgets runs whose time is over.
  void prune();
  /// A job that was taken knows the state of its run.
  void check_taken(const Reserved& job) const;
  /// Every verb but these two leaves runs as they are; so ask again at the end.
  void compare();
  /// Jobs of runs by the ids under which fields name them.
  [[nodiscard]] const std::map<std::string, std::string>& tasks() const { return tasks_; }

 private:
  int below(int bound) { return static_cast<int>(dice_() % static_cast<unsigned>(bound)); }
  bool chance(int percent) { return below(100) < percent; }
  template <class T>
  const T& one_of(const std::vector<T>& choices) {
    return choices[static_cast<std::size_t>(below(static_cast<int>(choices.size())))];
  }
  Time now() const { return store_.clock().now(); }

  rules::RunChange change_of(const std::string& run);
  void change_field(rules::RunChange& change, const std::string& field);
  rules::RunJob job_of(const std::string& run);
  std::optional<std::string> expected(const std::string& run, const std::string& field);
  void applied(const rules::RunChange& change);
  void learn_job(const std::string& run, const rules::RunJob& made);
  template <class Item, class AnyQuery>
  std::vector<Item> pages(AnyQuery query);
  std::string describe_run(const std::string& run);

  StoreUnderTest& store_;
  Producer& producer_;
  Model& jobs_;
  std::mt19937_64& dice_;
  RunModel runs_;
  std::map<std::string, std::string> tasks_;
  int made_ = 0;
};

}  // namespace penstock::testing
