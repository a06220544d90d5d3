// SPDX-License-Identifier: MIT
#include "client/job_watch.h"

#include "rules/job_state.h"
#include "rules/name.h"

namespace penstock {
namespace {

constexpr Duration ask_again{100};  // A store that did not answer.
constexpr Duration longest_sleep{10'000};

// A program's error has the end of what it wrote behind it; `find` has all of it.
std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

}  // namespace

Result<std::string> result_of(Job job) {
  if (job.state == JobState::succeeded) return std::move(job.result).value_or("null");
  return Error{Errc::job_failed, "job " + job.id.text + " " +
                                     std::string(rules::to_text(job.state)) +
                                     (job.error.empty() ? "" : ": " + first_line(job.error))};
}

JobWatch::JobWatch(std::unique_ptr<Store> store)
    : store_(std::move(store)),
      ring_(store_->make_ring()),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

JobWatch::~JobWatch() {
  thread_.request_stop();
  ring_->ring();
  thread_.join();
}

std::uint64_t JobWatch::watch(const JobId& id, Tell tell) {
  const std::lock_guard lock(mutex_);
  const std::uint64_t ticket = next_ticket_++;
  waits_.emplace(ticket, Wait{.id = id, .tell = std::move(tell)});
  fresh_.push_back(ticket);
  news_.notify_one();
  ring_->ring();
  return ticket;
}

void JobWatch::forget(std::uint64_t ticket) {
  const std::lock_guard lock(mutex_);
  waits_.erase(ticket);  // What the thread remembers of it is void without this.
}

std::vector<std::uint64_t> JobWatch::take_fresh() {
  const std::lock_guard lock(mutex_);
  return std::exchange(fresh_, {});
}

void JobWatch::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      if (waits_.empty()) {
        by_job_.clear();
        to_look_at_.clear();
        position_.clear();
      }
      if (!news_.wait(lock, stop, [this] { return !waits_.empty(); })) return;
    }
    if (!step(stop)) store_->clock().wait_until(store_->clock().steady() + ask_again, stop);
  }
}

bool JobWatch::step(const std::stop_token& stop) {
  // The stream first, then the jobs: what ends in between is in the next page.
  auto page = store_->events({.after = position_});
  if (!page) return false;
  position_ = page->next;
  for (const std::uint64_t ticket : take_fresh()) to_look_at_.push_back(ticket);
  if (page->reset) {
    for (const auto& [job, ticket] : by_job_) to_look_at_.push_back(ticket);
    by_job_.clear();
  }
  for (const Event& event : page->events) {
    if (event.type != Event::Type::job || !event.to || !rules::is_terminal(*event.to)) continue;
    const auto [first, last] = by_job_.equal_range(event.job.text);
    for (auto it = first; it != last; ++it) to_look_at_.push_back(it->second);
    by_job_.erase(first, last);
  }
  while (!to_look_at_.empty()) {
    if (stop.stop_requested()) return true;
    if (!look(to_look_at_.back())) return false;
    to_look_at_.pop_back();
  }
  if (!page->events.empty()) return true;
  const SteadyTime until = store_->clock().steady() + longest_sleep;
  return store_->wait({.seen = page->seen, .events = true}, until, *ring_).has_value();
}

bool JobWatch::look(std::uint64_t ticket) {
  JobId id;
  {
    const std::lock_guard lock(mutex_);
    const auto found = waits_.find(ticket);
    if (found == waits_.end()) return true;
    id = found->second.id;
  }
  auto record = store_->find(id);
  if (!record && record.error().code == Errc::unavailable) return false;
  Result<std::string> answer =
      Error{Errc::not_found, "job " + rules::printable(id.text) + " does not exist: check the id"};
  if (!record) {
    answer = std::move(record).error();
  } else if (*record) {
    Job job = std::get<Job>(**std::move(record));
    if (!rules::is_terminal(job.state)) {
      by_job_.emplace(job.id.text, ticket);
      return true;
    }
    answer = result_of(std::move(job));
  }
  Tell tell;
  {
    const std::lock_guard lock(mutex_);
    const auto found = waits_.find(ticket);
    if (found == waits_.end()) return true;
    tell = std::move(found->second.tell);
    waits_.erase(found);
  }
  tell(std::move(answer));
  return true;
}

}  // namespace penstock
