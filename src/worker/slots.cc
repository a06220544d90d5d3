// SPDX-License-Identifier: MIT
#include "worker/slots.h"

namespace penstock {

ThreadSlots::ThreadSlots(int count, Clock& clock, Client* client, std::function<void()> ring)
    : clock_(clock), client_(client), ring_(std::move(ring)), usable_(count) {
  for (int i = 0; i < count; ++i) {
    threads_.emplace_back([this](const std::stop_token& stop) { work(stop); });
  }
}

ThreadSlots::~ThreadSlots() {
  for (std::jthread& thread : threads_) thread.request_stop();
}

int ThreadSlots::size() const {
  const std::lock_guard lock(mutex_);
  return usable_;
}

void ThreadSlots::start(std::shared_ptr<Attempt> attempt) {
  {
    const std::lock_guard lock(mutex_);
    waiting_.push_back(std::move(attempt));
  }
  handed_over_.notify_one();
}

std::vector<Ended> ThreadSlots::take_ended() {
  const std::lock_guard lock(mutex_);
  return std::exchange(ended_, {});
}

void ThreadSlots::lose_one() {
  const std::lock_guard lock(mutex_);
  --usable_;
}

void ThreadSlots::work(const std::stop_token& stop) {
  while (true) {
    std::shared_ptr<Attempt> attempt;
    {
      std::unique_lock lock(mutex_);
      if (!handed_over_.wait(lock, stop, [this] { return !waiting_.empty(); })) return;
      attempt = std::move(waiting_.front());
      waiting_.pop_front();
    }
    rules::Outcome outcome = attempt->run(clock_, client_);
    {
      const std::lock_guard lock(mutex_);
      ended_.push_back({std::move(attempt), std::move(outcome)});
    }
    ring_();
  }
}

}  // namespace penstock
