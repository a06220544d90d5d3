// SPDX-License-Identifier: MIT
//
// A thread that lives as long as the process and does what it is told. A child's death signal comes
// when the thread that started it ends; a program that outlives the slot that happened to need it
// first has to be started by this one.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

namespace penstock {

/// Thread-safe.
class Starter {
 public:
  static Starter& of_this_process();
  /// Does `work` in the thread and returns when it is done.
  void run(const std::function<void()>& work);

 private:
  Starter();

  std::mutex one_at_a_time_;
  std::mutex mutex_;  // Guards `work_`.
  std::condition_variable_any changed_;
  const std::function<void()>* work_ = nullptr;
  std::jthread thread_;
};

}  // namespace penstock
