// SPDX-License-Identifier: MIT
#include "worker/hand.h"

#include "rules/duration.h"
#include "rules/limits.h"
#include "rules/serving.h"

#include <penstock/log.h>

#include <algorithm>

namespace penstock {
namespace {

constexpr Duration wait_limit{200};  // What waited longer for a slot is given back to others.
// How often a worker with busy slots looks for coroutines, after it found none.
constexpr Duration probe_every{1000};
constexpr std::size_t most_described = 256;  // Coroutines may be thousands.
constexpr double prefetch_ms = 50;           // Fetch ahead what the slots will start within this.

Duration since(SteadyTime then, SteadyTime now) {
  return std::chrono::duration_cast<Duration>(now - then);
}

bool ends_with_run(const Attempt& attempt) {
  const auto end = attempt.run_deadline();
  return end && end == attempt.deadline();
}

// It had to stop; what succeeded all the same within a run that is late, succeeded.
rules::Outcome timed_out(const Attempt& attempt, const rules::Outcome& ended,
                         const std::string& how = "") {
  if (!ends_with_run(attempt)) {
    const std::string after = rules::format_duration(*attempt.policy().timeout);
    return rules::Failed{.error = "timed out after " + after + how};
  }
  if (std::holds_alternative<rules::Succeeded>(ended)) return ended;
  return rules::Cancelled{"its run has timed out" + how};
}

}  // namespace

bool Hand::take(Reserved reserved, SteadyTime now) {
  static const Tasks::Task nothing{};
  const Key key{reserved.key, reserved.fence};
  const Tasks::Task* task = tasks_.find(reserved.task);
  const bool any_can = !task && reserved.task == rules::step_task;
  const bool is_step = rules::is_of_run(reserved.own);
  RunReader* const reader = is_step ? runs() : nullptr;
  Item item{.attempt = std::make_shared<Attempt>(std::move(reserved), task ? *task : nothing,
                                                 retention_, worker_, reader, &tasks_),
            .taken_at = now};
  const Reserved& job = item.attempt->reserved();
  if (is_step && !reader) {
    end(key, item, rules::Interrupted{});
    return true;
  }
  if (is_step && !job.run_state.empty()) {
    runs_->desk.learn(std::string(rules::run_of(job.own)), job.run_state);
  }
  if (is_step && job.crashes >= rules::default_max_crashes) {
    end(key, item, crashed_too_often(job));
    return true;
  }
  if (!task && !any_can) {
    end(key, item, no_such_task(item.attempt->reserved()));
    return false;
  }
  if (slots_.coroutines() > 0 && !(task && task->is_async()) &&
      items_.size() - coroutines() >= static_cast<std::size_t>(std::max(slots_.size(), 0))) {
    next_probe_ = now + probe_every;
  }
  items_.emplace(key, std::move(item));
  queue_.push_back(key);
  return true;
}

rules::Outcome Hand::no_such_task(const Reserved& reserved) const {
  rules::NoSuchTask outcome;
  std::string offers;
  for (const Tasks::Task& task : tasks_.all()) {
    if (!offers.empty()) offers += ", ";
    offers += task.name;
  }
  outcome.offers = " named \"" + reserved.task + "\" (offered: " + offers + ")";
  const auto listed = store_.list(SessionsQuery{});
  if (!listed) {
    outcome.offered = true;  // Not known: giving back loses nothing.
    return outcome;
  }
  outcome.offered =
      rules::is_served(std::get<Page<WorkerRecord>>(*listed).items,
                       {.queue = reserved.queue, .pool = reserved.pool, .task = reserved.task});
  return outcome;
}

void Hand::start() {
  while (!queue_.empty()) {
    const auto found = items_.find(queue_.front());
    if (found != items_.end() && !slots_.queues() && running() >= 1) return;
    queue_.pop_front();
    if (found == items_.end()) continue;
    found->second.handed_over = true;
    slots_.start(found->second.attempt);
  }
}

void Hand::collect(SteadyTime now) {
  for (Ended& ended : slots_.take_ended()) {
    const Reserved& reserved = ended.attempt->reserved();
    const auto found = items_.find({reserved.key, reserved.fence});
    if (found == items_.end()) continue;  // Timed out, and finished without it.
    if (!ended.attempt->is_async()) {
      const double ms = static_cast<double>((now - ended.attempt->started_at()).count()) / 1e6;
      mean_run_ms_ = mean_run_ms_ < 0 ? ms : 0.8 * mean_run_ms_ + 0.2 * ms;
    }
    const auto [key, item] = *found;
    items_.erase(found);
    if (item.given_back) continue;
    // Notes are refused once the job has ended, so these have to go out first.
    if (auto note = ended.attempt->take_note()) last_notes_.push_back(*std::move(note));
    if (item.overdue_since) ended.outcome = timed_out(*ended.attempt, ended.outcome);
    end(key, item, ended.outcome);
  }
}

void Hand::end(const Key& key, const Item& item, const rules::Outcome& outcome) {
  const Reserved& reserved = item.attempt->reserved();
  const rules::Attempted attempted{.key = key.first,
                                   .fence = key.second,
                                   .attempt = reserved.attempt,
                                   .crashes = reserved.crashes,
                                   .misses = reserved.misses,
                                   .cancel_requested = item.cancelled,
                                   .in_run = item.attempt->ticket().has_value(),
                                   .created_at = reserved.created_at};
  std::uniform_real_distribution<double> die(0.0, 1.0);
  const Time now = store_.clock().now();
  outbox.push_back(rules::decide(attempted, outcome, item.attempt->policy(), now, die(dice_)));
  std::optional<Duration> ran, waited;
  if (item.attempt->has_started()) {
    ran = since(item.attempt->started_at(), store_.clock().steady());
    if (reserved.attempt == 1 && reserved.crashes == 0) {
      waited = std::max(now - *ran - reserved.created_at, Duration{0});
    }
  }
  tally.count(reserved.queue, reserved.task, outbox.back(), waited, ran);
  if (item.attempt->ticket()) end_step(key, *item.attempt, outcome);
}

RunReader* Hand::runs() {
  if (!runs_) {
    auto store = store_.another();
    if (!store) return nullptr;
    runs_ = std::make_unique<Runs>(*std::move(store), retention_.runs);
  }
  runs_->reader.use_session(session_);
  return &runs_->reader;
}

// A step of a run is ended by its worker alone, because the run has to hear of it.
rules::Outcome Hand::crashed_too_often(const Reserved& reserved) {
  std::string certificate;
  if (auto found = store_.find(Ref{reserved.id}); found && *found) {
    certificate = std::get<Job>(**found).error;
  }
  if (certificate.empty()) certificate = "its worker died while it ran";
  return rules::Failed{
      .error = certificate + ", the last of " + std::to_string(reserved.crashes) + " crashes",
      .retryable = false};
}

void Hand::end_step(const Key& key, const Attempt& attempt, const rules::Outcome& outcome) {
  const rules::Transition& next = outbox.back();
  rules::NodeReport report = attempt.report();
  using End = rules::NodeReport::End;
  if (next.to == JobState::ready) return;  // It begins anew.
  if (next.to == JobState::scheduled) {
    if (std::holds_alternative<rules::NoSuchTask>(outcome)) return;
    report.end = End::again;
    if (!std::holds_alternative<rules::Failed>(outcome)) report.prepared.reset();
  } else if (next.to != JobState::succeeded && report.end != End::dropped) {
    report.end = End::failed;
    report.error = next.error;
  }
  // Its run need not wait for a slot to find that out.
  const auto run_end = attempt.run_deadline();
  report.late = run_end && store_.clock().steady() >= *run_end;
  if (report.late && report.end == End::failed) report.end = End::dropped;
  steps_[key] = {.ticket = *attempt.ticket(), .report = std::move(report)};
}

void Hand::decide_runs(std::size_t count) {
  if (steps_.empty()) return;
  for (std::size_t i = 0; i < count; ++i) {
    const auto step = steps_.find({outbox[i].key, outbox[i].fence});
    if (step == steps_.end()) continue;
    const Time now = store_.clock().now();
    outbox[i].runs = runs_->desk.decide(step->second.ticket, step->second.report, now);
  }
}

bool Hand::stop_overdue(SteadyTime now) {
  bool lost = false;
  for (auto it = items_.begin(); it != items_.end();) {
    const auto here = it++;
    auto& [key, item] = *here;
    const auto deadline = item.attempt->deadline();
    if (!deadline || now < *deadline) continue;
    if (!item.overdue_since) {
      item.overdue_since = now;  // Maybe late, when something held the pump up.
      item.attempt->request_stop();
    }
    if (item.given_back || now < *item.overdue_since + stop_patience_) continue;
    const Reserved& job = item.attempt->reserved();
    log(LogLevel::error, "job " + job.id.text + " (" + job.task +
                             ") did not stop after its time-out: its slot is lost, the process "
                             "will be replaced");
    end(key, item,
        timed_out(*item.attempt, rules::Interrupted{}, ", and its handler did not stop"));
    slots_.lose(*item.attempt);
    lost = true;
    items_.erase(here);
  }
  return lost;
}

void Hand::cancel(std::span<const rules::JobKey> keys) {
  for (const rules::JobKey& key : keys) {
    for (auto it = items_.lower_bound({key, Fence{0}}); it != items_.end();) {
      const auto here = it++;
      Item& item = here->second;
      if (here->first.first != key) break;
      if (item.cancelled || item.abandoned) continue;
      item.cancelled = true;
      item.attempt->request_stop();
      if (!take_back(item)) continue;
      end(here->first, item, rules::Interrupted{});
      items_.erase(here);
    }
  }
}

void Hand::give_back_waiting(SteadyTime now, bool all) {
  for (auto it = items_.begin(); it != items_.end();) {
    const auto here = it++;
    const Item& item = here->second;
    if (!all && since(item.taken_at, now) <= wait_limit) continue;
    if (item.abandoned || item.attempt->is_claimed() || !take_back(item)) continue;
    end(here->first, item, rules::Interrupted{});
    items_.erase(here);
  }
}

void Hand::give_back_running() {
  for (auto& [key, item] : items_) {
    if (item.abandoned) continue;
    item.attempt->request_stop();
    end(key, item, rules::Interrupted{});
    item.abandoned = item.given_back = true;
  }
}

void Hand::abandon() {
  for (auto it = items_.begin(); it != items_.end();) {
    const auto here = it++;
    here->second.abandoned = true;
    here->second.attempt->request_stop();
    if (take_back(here->second)) items_.erase(here);
  }
  queue_.clear();
  last_notes_.clear();
}

std::int64_t Hand::reconcile(std::vector<Reserved> held, SteadyTime now) {
  std::map<Key, Reserved> unknown;
  for (Reserved& job : held) unknown.emplace(Key{job.key, job.fence}, std::move(job));
  // What was sent and is not held any more was finished by the call whose answer was lost.
  const auto applied = std::erase_if(outbox, [&](const rules::Transition& next) {
    const bool gone = unknown.erase({next.key, next.fence}) == 0;
    if (gone) settled(next);
    return gone;
  });
  for (auto it = items_.begin(); it != items_.end();) {
    const auto here = it++;
    const bool still_ours = unknown.erase(here->first) > 0;
    if (still_ours || here->second.abandoned) continue;
    here->second.attempt->request_stop();
    here->second.abandoned = true;
    if (take_back(here->second)) items_.erase(here);
  }
  for (auto& [key, job] : unknown) take(std::move(job), now);
  return static_cast<std::int64_t>(applied);
}

std::vector<Note> Hand::take_notes() {
  std::vector<Note> notes = std::exchange(last_notes_, {});
  for (auto& [key, item] : items_) {
    if (item.abandoned) continue;
    if (auto note = item.attempt->take_note()) notes.push_back(*std::move(note));
  }
  return notes;
}

int Hand::running() const {
  return static_cast<int>(std::ranges::count_if(
      items_, [](const auto& item) { return item.second.attempt->is_claimed(); }));
}

std::int64_t Hand::held() const {
  return static_cast<std::int64_t>(outbox.size()) +
         std::ranges::count_if(items_, [](const auto& item) { return !item.second.abandoned; });
}

bool Hand::holds_nothing() const {
  return std::ranges::all_of(items_, [](const auto& item) { return item.second.abandoned; });
}

bool Hand::holds_suspect() const {
  return std::ranges::any_of(items_, [](const auto& item) {
    return item.second.attempt->reserved().alone && !item.second.abandoned;
  });
}

std::size_t Hand::prefetch(SteadyTime now) const {
  if (!slots_.queues() || mean_run_ms_ < 0 || mean_run_ms_ > prefetch_ms) return 0;
  for (const auto& [key, item] : items_) {
    const bool slow = !item.attempt->is_async() && item.attempt->has_started() &&
                      now - item.attempt->started_at() > Duration{static_cast<int>(prefetch_ms)};
    if (slow) return 0;
  }
  const double ahead = slots_.size() * prefetch_ms / std::max(mean_run_ms_, 0.01);
  return static_cast<std::size_t>(std::min(ahead, static_cast<double>(rules::reserve_jobs)));
}

std::size_t Hand::coroutines() const {
  return static_cast<std::size_t>(
      std::ranges::count_if(items_, [](const auto& i) { return i.second.attempt->is_async(); }));
}

std::size_t Hand::room(SteadyTime now) const {
  const std::size_t in_flight = coroutines(), others = items_.size() - in_flight;
  const auto limit = static_cast<std::size_t>(std::max(slots_.coroutines(), 0));
  const auto slots = static_cast<std::size_t>(std::max(slots_.size(), 0));
  const std::size_t more = limit > in_flight ? limit - in_flight : 0;
  if (slots == 0) return more;
  const std::size_t target = slots + prefetch(now);
  std::size_t room = target > others ? target - others : 0;
  // A call for a handful while there is more than enough in hand is not worth its price.
  if (outbox.empty() && others > slots && room < target / 2) room = 0;
  if (limit == 0) return room;
  // What the next job is, nobody knows before it is here. While every slot is busy there may be
  // coroutines behind it all the same; what turns out to need a slot is given back.
  if (room == 0 && now >= next_probe_) room = slots;
  return std::min(room, more);
}

std::vector<std::string> Hand::describe(SteadyTime now) const {
  std::vector<std::string> lines;
  for (const auto& [key, item] : items_) {
    if (!item.attempt->is_claimed()) continue;
    if (lines.size() == most_described) break;
    const Reserved& job = item.attempt->reserved();
    const Duration ran =
        item.attempt->has_started() ? since(item.attempt->started_at(), now) : Duration{0};
    lines.push_back(job.task + ' ' + job.id.text + " for " + rules::format_duration(ran));
  }
  return lines;
}

}  // namespace penstock
