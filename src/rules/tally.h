// SPDX-License-Identifier: MIT
//
// What a worker has counted since it started: how many jobs of each queue and task came to which
// end, how long they waited and ran. It travels with the worker's beats as one line of JSON, and is
// shown to Prometheus (src/worker/metrics_text.cc).
#pragma once

#include "rules/transition.h"

#include <array>
#include <map>
#include <string>
#include <utility>

namespace penstock::rules {

/// Counts by upper bound, the last without one. Seconds are the unit of what is shown.
struct Histogram {
  static constexpr std::array<std::int64_t, 9> bounds_ms = {1,    5,      25,     100,    500,
                                                            2500, 10'000, 60'000, 600'000};
  std::array<std::int64_t, bounds_ms.size() + 1> counts{};
  std::int64_t sum_ms = 0;
  void add(Duration length);
};

struct TaskTally {
  std::int64_t succeeded = 0, failed = 0, cancelled = 0, retried = 0;
  Histogram wait = {};  ///< From submit to the first start.
  Histogram run = {};   ///< Each attempt.
};

class Tally {
 public:
  /// Counts one attempt that was decided. `wait` of a later attempt says nothing of the queue.
  void count(const std::string& queue, const std::string& task, const Transition& decided,
             std::optional<Duration> wait, std::optional<Duration> run);
  [[nodiscard]] const std::map<std::pair<std::string, std::string>, TaskTally>& tasks() const {
    return tasks_;
  }
  /// How often something was counted: grows with every change.
  [[nodiscard]] std::int64_t version() const { return version_; }
  /// A JSON array with an object for each queue and task; without the histograms when it would be
  /// longer than `most_bytes`, and empty when it is too long even so.
  [[nodiscard]] std::string json(std::size_t most_bytes) const;

 private:
  [[nodiscard]] std::string json_with(bool histograms) const;
  std::map<std::pair<std::string, std::string>, TaskTally> tasks_;
  std::int64_t version_ = 0;
};

}  // namespace penstock::rules
