// SPDX-License-Identifier: MIT
#include "worker/slots.h"

#include "worker/async_slots.h"

namespace penstock {
namespace {

// How often a slot asks again whether it may start, while the process has no contact to the store.
constexpr std::chrono::milliseconds ask_again{20};

}  // namespace

ThreadSlots::ThreadSlots(int count, SlotSurroundings surroundings)
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

void ThreadSlots::lose(const Attempt& /*attempt*/) {
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

InlineSlots::InlineSlots(Clock& clock, Client* client, std::unique_ptr<AsyncSlots> coroutines)
    : clock_(clock), client_(client), coroutines_(std::move(coroutines)) {}
InlineSlots::~InlineSlots() = default;

void InlineSlots::start(std::shared_ptr<Attempt> attempt) {
  if (attempt->is_async()) {
    coroutines_->start(std::move(attempt));
    for (Ended& ended : coroutines_->wait_ended()) ended_.push_back(std::move(ended));
    return;
  }
  if (!attempt->claim()) return;
  rules::Outcome outcome = attempt->run(clock_, client_);
  ended_.push_back({std::move(attempt), std::move(outcome)});
}

void MixedSlots::start(std::shared_ptr<Attempt> attempt) {
  // Without threads even steps of runs that only decide go there: they are short.
  Slots& slots = attempt->is_async() || !threads_ ? *coroutines_ : *threads_;
  slots.start(std::move(attempt));
}

void MixedSlots::lose(const Attempt& attempt) {
  Slots& slots = attempt.is_async() || !threads_ ? *coroutines_ : *threads_;
  slots.lose(attempt);
}

std::vector<Ended> MixedSlots::take_ended() {
  std::vector<Ended> ended;
  for (const auto& slots : {threads_.get(), coroutines_.get()}) {
    if (!slots) continue;
    for (Ended& one : slots->take_ended()) ended.push_back(std::move(one));
  }
  return ended;
}

}  // namespace penstock
