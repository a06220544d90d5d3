// SPDX-License-Identifier: MIT
//
// One thread that waits for the ends of many jobs: it follows the event stream, looks at a job when
// its end is told, and tells whoever asked. For coroutines, of which thousands may wait at once;
// a thread that waits for one job reads the stream itself (Client::wait).
#pragma once

#include "store/store.h"

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

namespace penstock {

/// The result of a job that has ended, or what stands in the way of one: job_failed, with the job's
/// error.
Result<std::string> result_of(Job job);

/// Thread-safe.
class JobWatch {
 public:
  using Tell = std::function<void(Result<std::string>)>;

  explicit JobWatch(std::unique_ptr<Store> store);
  /// Nobody is told any more.
  ~JobWatch();

  /// Calls `tell` once, from the watching thread: with the result, or with not_found, gone or
  /// job_failed. A store that does not answer is asked again. Returns a ticket.
  std::uint64_t watch(const JobId& id, Tell tell);
  void forget(std::uint64_t ticket);

 private:
  struct Wait {
    JobId id;
    Tell tell;
  };

  void run(const std::stop_token& stop);
  /// False when the store did not answer.
  bool step(const std::stop_token& stop);
  bool look(std::uint64_t ticket);
  std::vector<std::uint64_t> take_fresh();

  std::unique_ptr<Store> store_;
  std::unique_ptr<Ring> ring_;
  std::string position_;  // In the event stream; the thread's own, like the two below.
  std::multimap<std::string, std::uint64_t> by_job_;
  std::vector<std::uint64_t> to_look_at_;

  std::mutex mutex_;  // Guards the four below.
  std::condition_variable_any news_;
  std::map<std::uint64_t, Wait> waits_;
  std::vector<std::uint64_t> fresh_;
  std::uint64_t next_ticket_ = 1;
  std::jthread thread_;
};

}  // namespace penstock
