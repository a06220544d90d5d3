// SPDX-License-Identifier: MIT
#include "worker/starter.h"

namespace penstock {

Starter& Starter::of_this_process() {
  static auto* const starter = new Starter;  // Not destroyed: programs die with its thread.
  return *starter;
}

Starter::Starter()
    : thread_([this](const std::stop_token& stop) {
        std::unique_lock lock(mutex_);
        while (changed_.wait(lock, stop, [this] { return work_ != nullptr; })) {
          (*work_)();
          work_ = nullptr;
          changed_.notify_all();
        }
      }) {}

void Starter::run(const std::function<void()>& work) {
  const std::lock_guard turn(one_at_a_time_);
  std::unique_lock lock(mutex_);
  work_ = &work;
  changed_.notify_all();
  changed_.wait(lock, [this] { return work_ == nullptr; });
}

}  // namespace penstock
