// SPDX-License-Identifier: MIT
#include "worker/slots.h"

namespace penstock {
namespace {

// How often a slot asks again whether it may start, while the process has no contact to the store.
constexpr std::chrono::milliseconds ask_again{20};

}  // namespace

ThreadSlots::ThreadSlots(int count, Surroundings surroundings)
    : around_(std::move(surroundings)), usable_(count) {
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

std::shared_ptr<Attempt> ThreadSlots::next(const std::stop_token& stop) {
  while (true) {
    {
      std::unique_lock lock(mutex_);
      if (!handed_over_.wait(lock, stop, [this] { return !waiting_.empty(); })) return nullptr;
      if (around_.may_start()) {
        std::shared_ptr<Attempt> attempt = std::move(waiting_.front());
        waiting_.pop_front();
        if (attempt->claim()) return attempt;
        continue;  // Revoked: the pump has dealt with it.
      }
    }
    if (around_.clock.wait_until(around_.clock.steady() + ask_again, stop)) return nullptr;
  }
}

void ThreadSlots::work(const std::stop_token& stop) {
  while (auto attempt = next(stop)) {
    rules::Outcome outcome = attempt->run(around_.clock, around_.client);
    bool first = false;
    {
      const std::lock_guard lock(mutex_);
      first = ended_.empty();  // One ring is enough for all that gathers until the pump comes.
      ended_.push_back({std::move(attempt), std::move(outcome)});
    }
    if (first) around_.ring();
  }
}

}  // namespace penstock
