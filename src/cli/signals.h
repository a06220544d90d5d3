// SPDX-License-Identifier: MIT
//
// Signals as calls on a thread of their own, where locks and logging are allowed.
#pragma once

#include <functional>
#include <thread>

namespace penstock::cli {

/// Takes SIGTERM, SIGINT, SIGTSTP, SIGCONT, SIGHUP and SIGTTIN of the process. REQUIRES: made
/// before the threads that must not be interrupted: they inherit the blocked signals.
class SignalThread {
 public:
  explicit SignalThread(std::function<void(int number)> act);
  ~SignalThread() { end(); }
  SignalThread(const SignalThread&) = delete;
  SignalThread& operator=(const SignalThread&) = delete;

  /// No call begins after it has returned.
  void end();

 private:
  std::jthread thread_;
};

}  // namespace penstock::cli
