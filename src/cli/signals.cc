// SPDX-License-Identifier: MIT
#include "cli/signals.h"

#include <csignal>

#include <pthread.h>

namespace penstock::cli {
namespace {

// SIGUSR1 is the thread's own: it ends the wait.
sigset_t handled_signals() {
  sigset_t set;
  sigemptyset(&set);
  for (const int number : {SIGTERM, SIGINT, SIGTSTP, SIGCONT, SIGHUP, SIGTTIN, SIGUSR1}) {
    sigaddset(&set, number);
  }
  return set;
}

}  // namespace

SignalThread::SignalThread(std::function<void(int number)> act) {
  const sigset_t set = handled_signals();
  pthread_sigmask(SIG_BLOCK, &set, nullptr);
  thread_ = std::jthread([set, act = std::move(act)](const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      int number = 0;
      if (sigwait(&set, &number) != 0 || number == SIGUSR1) continue;
      act(number);
    }
  });
}

void SignalThread::end() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  pthread_kill(thread_.native_handle(), SIGUSR1);
  thread_.join();
}

}  // namespace penstock::cli
