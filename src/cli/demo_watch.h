// SPDX-License-Identifier: MIT
//
// Follows the jobs of a show through the store's event stream, and counts at the end from what the
// store says of each of them.
#pragma once

#include <penstock/client.h>

#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

namespace penstock::cli {

/// The closing figures.
struct DemoTally {
  std::int64_t submitted = 0, succeeded = 0, failed = 0, cancelled = 0;
  std::int64_t retried = 0;           ///< Needed more than one attempt.
  std::int64_t rescued = 0;           ///< Lost a worker while they ran.
  std::int64_t lost = 0;              ///< Not there any more, or not ended.
  std::int64_t ended_twice = 0;       ///< By the event stream.
  std::vector<Duration> reruns = {};  ///< Kill to running again, of each rescued job; sorted.
};

/// The closing table, and the same as one line of JSON.
std::string to_text(const DemoTally& tally);
std::string to_json(const DemoTally& tally, const std::string& store);

/// Not thread-safe.
class DemoWatch {
 public:
  /// What a job of the show does now.
  struct Seen {
    bool small = true;
    JobState state = JobState::ready;
    std::string worker = {};  ///< While it runs.
    int ends = 0;
    double progress = 0;
    std::string message = {};
  };

  void add(const JobId& id, bool small);
  /// Takes in an event; true when it is about one of the show's jobs.
  bool take(const Event& event);
  /// From now on `worker` is dead, by the store's clock since `at`.
  void killed(const std::string& worker, Time at);

  [[nodiscard]] std::size_t ended(bool small) const;
  [[nodiscard]] std::size_t count(bool small) const;
  [[nodiscard]] bool all_ended() const;
  /// The jobs that run on each worker, by its name.
  [[nodiscard]] std::map<std::string, std::vector<JobId>> running() const;
  [[nodiscard]] const Seen& seen(const JobId& id) const { return jobs_.at(id); }
  [[nodiscard]] std::size_t retries() const { return retries_; }
  [[nodiscard]] std::size_t given_back() const { return given_back_.size(); }
  [[nodiscard]] std::size_t running_again() const { return reruns_.size(); }

  /// Asks the store about every job. Errors: unavailable.
  Result<DemoTally> tally(Client& client) const;

 private:
  std::unordered_map<JobId, Seen> jobs_ = {};
  std::size_t retries_ = 0;
  std::string dead_worker_ = {};
  Time killed_at_{};
  std::set<JobId> given_back_ = {};  // By the dead worker.
  std::map<JobId, Duration> reruns_ = {};
};

}  // namespace penstock::cli
