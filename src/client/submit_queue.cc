// SPDX-License-Identifier: MIT
#include "client/submit_queue.h"

#include "rules/limits.h"

namespace penstock {

Result<std::vector<Submitted>> SubmitQueue::submit(std::vector<rules::NewJob> jobs, Ack ack) {
  if (jobs.empty()) return std::vector<Submitted>();
  Waiting mine{.jobs = std::move(jobs), .ack = ack, .answers = {}, .error = {}};
  std::unique_lock lock(mutex_);
  queue_.push_back(&mine);
  while (!mine.done()) {
    if (led_) {
      answered_.wait(lock);
    } else {
      led_ = true;
      lead(lock);
      led_ = false;
      answered_.notify_all();
    }
  }
  if (mine.error) return *std::move(mine.error);
  return std::move(mine.answers);
}

// The next call: whole or in parts, jobs of one durability level, within one step's bounds.
std::vector<rules::NewJob> SubmitQueue::gather(std::vector<Part>& parts, Ack& ack) {
  std::vector<rules::NewJob> batch;
  std::size_t bytes = 0;
  for (Waiting* waiting : queue_) {
    if (batch.empty()) ack = waiting->ack;
    if (waiting->ack != ack) break;
    std::size_t count = 0;
    while (waiting->sent < waiting->jobs.size() && batch.size() < rules::step_jobs &&
           (batch.empty() ||
            bytes + waiting->jobs[waiting->sent].payload.size() <= rules::step_bytes)) {
      bytes += waiting->jobs[waiting->sent].payload.size();
      batch.push_back(waiting->jobs[waiting->sent++]);
      ++count;
    }
    if (count > 0) parts.push_back({waiting, count});
    if (waiting->sent < waiting->jobs.size()) break;
  }
  return batch;
}

void SubmitQueue::lead(std::unique_lock<std::mutex>& lock) {
  while (!queue_.empty()) {
    std::vector<Part> parts;
    Ack ack;
    const std::vector<rules::NewJob> batch = gather(parts, ack);
    lock.unlock();
    auto answers = [&]() -> Result<std::vector<Submitted>> {
      auto store = handles_.lend();
      if (!store) return std::move(store).error();
      return producer_.repeat(real_clock(), patience_, [&](const RequestId& request) {
        return (*store)->submit({.request = request, .ack = ack, .jobs = batch});
      });
    }();
    lock.lock();
    std::size_t at = 0;
    for (const Part& part : parts) {
      if (!answers) {
        part.of->error = answers.error();
      } else {
        const auto from = answers->begin() + static_cast<std::ptrdiff_t>(at);
        part.of->answers.insert(part.of->answers.end(), from,
                                from + static_cast<std::ptrdiff_t>(part.count));
        at += part.count;
      }
    }
    while (!queue_.empty() && queue_.front()->done()) queue_.pop_front();
    std::erase_if(queue_, [](const Waiting* waiting) { return waiting->done(); });
    answered_.notify_all();
  }
}

}  // namespace penstock
