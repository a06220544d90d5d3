// SPDX-License-Identifier: MIT
//
// Submits of many threads in one store call. The first thread that finds nobody at work becomes the
// leader: it takes all that has gathered, calls the store, hands out the answers, and goes on until
// nothing is left. The others wait for their answers.
#pragma once

#include "client/handles.h"
#include "client/producer.h"

#include <condition_variable>
#include <deque>
#include <mutex>

namespace penstock {

class SubmitQueue {
 public:
  SubmitQueue(Handles& handles, Duration patience) : handles_(handles), patience_(patience) {}

  /// Submits checked jobs, in order; blocks until they are answered. Thread-safe.
  Result<std::vector<Submitted>> submit(std::vector<rules::NewJob> jobs, Ack ack);

 private:
  struct Waiting {
    std::vector<rules::NewJob> jobs;
    Ack ack;
    std::size_t sent = 0;
    std::vector<Submitted> answers;
    std::optional<Error> error;
    [[nodiscard]] bool done() const { return error || answers.size() == jobs.size(); }
  };
  struct Part {
    Waiting* of;
    std::size_t count;
  };
  void lead(std::unique_lock<std::mutex>& lock);
  std::vector<rules::NewJob> gather(std::vector<Part>& parts, Ack& ack);

  Handles& handles_;
  const Duration patience_;
  std::mutex mutex_;  // Guards all below; not held while the store is called.
  std::condition_variable answered_;
  std::deque<Waiting*> queue_;
  bool led_ = false;
  Producer producer_;  // The leader's.
};

}  // namespace penstock
