// SPDX-License-Identifier: MIT
//
// A worker process as its supervisor sees it: when it has ended, and what it says of itself before
// (notice.h).
#pragma once

#include "worker/child.h"

#include <penstock/clock.h>

#include <memory>

namespace penstock {

class ChildWorker {
 public:
  /// Errors: unavailable.
  static Result<std::unique_ptr<ChildWorker>> start(std::vector<std::string> command);
  ~ChildWorker();
  ChildWorker(const ChildWorker&) = delete;
  ChildWorker& operator=(const ChildWorker&) = delete;

  /// Hears what it has said since the last time. Never blocks.
  void listen();
  /// It takes jobs.
  [[nodiscard]] bool is_ready() const { return ready_; }
  /// It takes no more, and wants a successor.
  [[nodiscard]] bool is_leaving() const { return leaving_; }
  [[nodiscard]] pid_t pid() const { return pid_; }
  [[nodiscard]] SteadyTime started() const { return started_; }
  /// To be polled: readable when it has ended, and when it has said something.
  [[nodiscard]] int end_descriptor() const { return end_; }
  [[nodiscard]] int notice_descriptor() const { return silent_ ? -1 : notices_; }
  /// How it ended, once.
  std::optional<ChildEnd> bury() { return reap(pid_); }
  void signal(int number) const;

 private:
  ChildWorker(pid_t pid, int notices);

  const pid_t pid_;
  const int end_, notices_;
  const SteadyTime started_;
  bool ready_ = false, leaving_ = false, silent_ = false;
};

}  // namespace penstock
