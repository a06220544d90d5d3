// SPDX-License-Identifier: MIT
#include "worker/pump.h"

#include "rules/duration.h"
#include "rules/limits.h"

#include <penstock/log.h>

#include <algorithm>

namespace penstock {
namespace {

constexpr Duration shortest_pause{50}, longest_pause{2000};
constexpr Duration notes_every{100};
constexpr Duration idle_rest{10'000};
constexpr Duration hand_limit{200};      // What waited longer in hand is given back.
constexpr double prefetch_ms = 50;       // Fetch ahead what the slots will start within this.
constexpr Duration stop_patience{5000};  // How long after its time-out a handler may take to stop.

Duration since(SteadyTime then, SteadyTime now) {
  return std::chrono::duration_cast<Duration>(now - then);
}

}  // namespace

Pump::Pump(Store& store, Slots& slots, const Tasks& tasks, Pulse& pulse, PumpOptions options)
    : store_(store),
      slots_(slots),
      tasks_(tasks),
      pulse_(pulse),
      options_(std::move(options)),
      dice_(options_.seed),
      born_(store.clock().steady()) {}

Rest Pump::step() {
  const SteadyTime now = store_.clock().steady();
  if (session_.nonce.empty() && !open_session(now)) return rest({}, now);
  const Heard heard = pulse_.heard();
  follow_orders(heard, now);
  hear_of_work(heard);
  collect(now);
  check_deadlines(now);
  give_back_waiting(now);
  flush_notes(now);
  if (now >= not_before_) {
    if (in_doubt_ || heard.ask_held) {
      resolve_doubt(now);
    } else {
      exchange(now);
    }
  }
  start_what_may(pulse_.heard(), now);
  describe(now);
  publish(false);
  if (finish_draining()) return {.finished = true};
  return rest(heard, now);
}

bool Pump::open_session(SteadyTime now) {
  if (now < not_before_) return false;
  auto opened = store_.open(options_.profile);
  if (!opened) {
    log(LogLevel::warning, "cannot open a session: " + opened.error().message);
    pause_ = std::clamp(pause_ * 2, shortest_pause, longest_pause);
    not_before_ = now + pause_;
    return false;
  }
  session_ = *std::move(opened);
  call_ = 0;
  in_doubt_ = false;
  pause_ = Duration{0};
  may_have_work_ = true;
  publish(false);
  pulse_.opened(now);
  return true;
}

void Pump::follow_orders(const Heard& heard, SteadyTime now) {
  Mode asked = requested_.load();
  if (heard.order == Order::stop) asked = std::max(asked, Mode::drain);
  if (heard.order == Order::quiet) asked = std::max(asked, Mode::quiet);
  const bool back_to_work = mode_ == Mode::quiet && asked == Mode::fetch;
  if (asked > mode_ || back_to_work) {
    mode_ = asked;
    may_have_work_ = true;
  }
  if (mode_ >= Mode::drain && !drain_since_) drain_since_ = now;
  if (mode_ == Mode::drain && now - *drain_since_ >= options_.grace) mode_ = Mode::give_back;
  if (!heard.alive) lose_session("it was declared dead");
  for (const rules::JobKey& key : heard.cancels) {
    for (auto& [item_key, item] : items_) {
      if (item_key.first != key || item.cancelled || item.abandoned) continue;
      item.cancelled = true;
      item.attempt->request_stop();
    }
  }
}

// A wake-up can be lost with the process that should have sent it; beats tell of work as well. Each
// answer is believed once: the work may be for others.
void Pump::hear_of_work(const Heard& heard) {
  if (heard.work_waiting && heard.last_contact != hinted_at_) {
    hinted_at_ = heard.last_contact;
    may_have_work_ = true;
  }
  if (options_.burst && items_.empty() && outbox_.empty() && !drained_dry_) may_have_work_ = true;
}

void Pump::collect(SteadyTime now) {
  for (Ended& ended : slots_.take_ended()) {
    const Reserved& reserved = ended.attempt->reserved();
    const ItemKey key{reserved.key, reserved.fence};
    const auto found = items_.find(key);
    if (found == items_.end()) continue;  // Timed out and finished without it.
    const double ms = static_cast<double>((now - ended.attempt->started_at()).count()) / 1e6;
    mean_run_ms_ = mean_run_ms_ < 0 ? ms : 0.8 * mean_run_ms_ + 0.2 * ms;
    if (auto note = ended.attempt->take_note()) {
      notes_.push_back(*std::move(note));
      next_notes_ = now;  // Notes are refused once the job has ended.
    }
    const Item item = found->second;
    forget(found);
    if (item.given_back) continue;
    if (item.timed_out) {
      ended.outcome = rules::Failed{
          .error = "timed out after " + rules::format_duration(*ended.attempt->policy().timeout)};
    }
    end_item(key, item, ended.outcome);
  }
}

void Pump::end_item(const ItemKey& key, const Item& item, const rules::Outcome& outcome) {
  const Reserved& reserved = item.attempt->reserved();
  const rules::Attempted attempted{.key = key.first,
                                   .fence = key.second,
                                   .attempt = reserved.attempt,
                                   .crashes = reserved.crashes,
                                   .misses = reserved.misses,
                                   .cancel_requested = item.cancelled,
                                   .created_at = reserved.created_at};
  std::uniform_real_distribution<double> die(0.0, 1.0);
  outbox_.push_back(
      rules::decide(attempted, outcome, item.attempt->policy(), store_.clock().now(), die(dice_)));
}

void Pump::check_deadlines(SteadyTime now) {
  for (auto it = items_.begin(); it != items_.end();) {
    auto& [key, item] = *it;
    const auto deadline = item.running ? item.attempt->deadline() : std::nullopt;
    if (!deadline || now < *deadline) {
      ++it;
      continue;
    }
    if (!item.timed_out) {
      item.timed_out = true;
      item.attempt->request_stop();
    }
    if (now < *deadline + stop_patience) {
      ++it;
      continue;
    }
    log(LogLevel::error, "job " + item.attempt->reserved().id.text + " (" +
                             item.attempt->reserved().task +
                             ") did not stop after its time-out: its slot is lost, the process "
                             "will be replaced");
    end_item(key, item,
             rules::Failed{.error = "timed out after " +
                                    rules::format_duration(*item.attempt->policy().timeout) +
                                    ", and its handler did not stop"});
    slots_.lose_one();
    recycle_ = true;
    request(Mode::drain);
    forget(it++);
  }
}

void Pump::give_back_waiting(SteadyTime now) {
  const bool slots_are_full = running_ >= slots_.size();
  const auto must_go = [&](const Item& item) {
    if (mode_ >= Mode::drain) return true;
    return slots_are_full && since(item.fetched_at, now) > hand_limit;
  };
  while (!queue_.empty()) {
    const auto found = items_.find(queue_.front());
    if (found != items_.end()) {
      if (!must_go(found->second) && !found->second.cancelled) break;
      end_item(found->first, found->second, rules::Interrupted{});
      forget(found);
    }
    queue_.pop_front();
  }
  if (mode_ != Mode::give_back) return;
  for (auto& [key, item] : items_) {
    if (item.abandoned) continue;
    item.attempt->request_stop();
    end_item(key, item, rules::Interrupted{});
    item.abandoned = item.given_back = true;
  }
}

void Pump::flush_notes(SteadyTime now) {
  if (now < next_notes_ || in_doubt_ || now < not_before_) return;
  for (auto& [key, item] : items_) {
    if (item.abandoned) continue;
    if (auto note = item.attempt->take_note()) notes_.push_back(*std::move(note));
  }
  next_notes_ = now + notes_every;
  if (notes_.empty()) return;
  const auto written = store_.note(session_, notes_);
  // Lines carry their number, so an unanswered note may be sent again; a refused one is void.
  if (written || written.error().code != Errc::unavailable) notes_.clear();
}

std::size_t Pump::prefetch() const {
  if (mean_run_ms_ < 0 || mean_run_ms_ > prefetch_ms) return 0;
  const SteadyTime now = store_.clock().steady();
  for (const auto& [key, item] : items_) {
    const bool slow = item.running && item.attempt->has_started() &&
                      now - item.attempt->started_at() > Duration{static_cast<int>(prefetch_ms)};
    if (slow) return 0;
  }
  const double ahead = slots_.size() * prefetch_ms / std::max(mean_run_ms_, 0.01);
  return static_cast<std::size_t>(std::min(ahead, static_cast<double>(rules::reserve_jobs)));
}

std::size_t Pump::wanted() const {
  if (mode_ != Mode::fetch || !may_have_work_ || holds_suspect()) return 0;
  if (fetch_alone_ && !items_.empty()) return 0;
  const int free = std::max(slots_.size() - running_, 0);
  const std::size_t target = static_cast<std::size_t>(free) + prefetch();
  std::size_t want = target > queue_.size() ? target - queue_.size() : 0;
  // A call for a handful while the hand is full of work is not worth its price.
  if (outbox_.empty() && want < target / 2 && !queue_.empty()) want = 0;
  if (options_.max_jobs > 0) {
    want = std::min(
        want, static_cast<std::size_t>(std::max<std::int64_t>(options_.max_jobs - taken_, 0)));
  }
  return std::min(want, rules::reserve_jobs);
}

std::vector<std::string> Pump::queue_order() {
  std::vector<std::string> order;
  std::vector<QueueWeight> left = options_.queues;
  while (!left.empty()) {
    int total = 0;
    for (const QueueWeight& queue : left) total += queue.weight;
    std::uniform_int_distribution<int> die(1, std::max(total, 1));
    int drawn = die(dice_);
    auto chosen = left.begin();
    while (drawn > chosen->weight && std::next(chosen) != left.end()) drawn -= (chosen++)->weight;
    order.push_back(chosen->queue);
    left.erase(chosen);
  }
  return order;
}

void Pump::exchange(SteadyTime now) {
  const std::size_t want = wanted();
  if (outbox_.empty() && want == 0) return;
  const std::size_t sent = std::min(outbox_.size(), rules::step_jobs);
  FinishCall call{
      .session = session_, .call = Call{++call_}, .transitions = std::span(outbox_).first(sent)};
  if (want > 0) {
    const bool holds_nothing =
        std::ranges::all_of(items_, [](const auto& item) { return item.second.abandoned; });
    call.want = Want{.queues = queue_order(),
                     .pools = options_.profile.pools,
                     .jobs = want,
                     .holds_nothing = holds_nothing && sent == outbox_.size()};
  }
  publish(true);
  auto answer = store_.finish(call);
  if (!answer) {
    if (answer.error().code == Errc::lease_lost) {
      {
        const std::lock_guard lock(stats_mutex_);
        stats_.refused += static_cast<std::int64_t>(sent);
      }
      outbox_.erase(outbox_.begin(), outbox_.begin() + static_cast<std::ptrdiff_t>(sent));
      lose_session(answer.error().message);
      return;
    }
    log(LogLevel::warning, "the store did not answer: " + answer.error().message);
    in_doubt_ = true;
    pause_ = std::clamp(pause_ * 2, shortest_pause, longest_pause);
    not_before_ = now + pause_;
    return;
  }
  pause_ = Duration{0};
  settle(*answer, sent, want, now);
}

void Pump::settle(const Exchange& answer, std::size_t sent, std::size_t wanted, SteadyTime now) {
  {
    const std::lock_guard lock(stats_mutex_);
    for (std::size_t i = 0; i < sent; ++i) {
      const rules::Move move = outbox_[i].move;
      if (!answer.accepted[i]) {
        ++stats_.refused;
      } else if (move != rules::Move::give_back) {
        ++stats_.tasks_processed;
        if (move == rules::Move::fail) ++stats_.tasks_failed;
        if (move == rules::Move::retry) ++stats_.retried;
      }
    }
  }
  outbox_.erase(outbox_.begin(), outbox_.begin() + static_cast<std::ptrdiff_t>(sent));
  if (wanted == 0) return;
  seen_ = answer.seen;
  fetch_alone_ = answer.alone_waiting;
  may_have_work_ = answer.jobs.size() >= wanted || answer.alone_waiting;
  drained_dry_ = answer.jobs.empty() && !answer.alone_waiting;
  for (const Reserved& job : answer.jobs) accept(job, now);
}

void Pump::resolve_doubt(SteadyTime now) {
  publish(true);
  auto held = store_.held(session_, Call{++call_});
  if (!held) {
    if (held.error().code == Errc::lease_lost) {
      lose_session(held.error().message);
      return;
    }
    in_doubt_ = true;
    pause_ = std::clamp(pause_ * 2, shortest_pause, longest_pause);
    not_before_ = now + pause_;
    return;
  }
  in_doubt_ = false;
  pause_ = Duration{0};
  pulse_.asked_held();
  std::map<ItemKey, Reserved> ours;
  for (Reserved& job : *held) ours.emplace(ItemKey{job.key, job.fence}, std::move(job));
  // What was sent and is not held any more was finished by the call whose answer was lost.
  std::erase_if(outbox_, [&](const rules::Transition& next) {
    const bool done = !ours.contains({next.key, next.fence});
    ours.erase({next.key, next.fence});
    if (done) {
      const std::lock_guard lock(stats_mutex_);
      ++stats_.tasks_processed;
    }
    return done;
  });
  for (auto it = items_.begin(); it != items_.end();) {
    const bool still_ours = ours.erase(it->first) > 0;
    if (still_ours || it->second.abandoned) {
      ++it;
    } else if (it->second.running) {
      it->second.attempt->request_stop();
      it->second.abandoned = true;
      ++it;
    } else {
      forget(it++);  // queue_ skips what it does not find.
    }
  }
  // Reserved by the call whose answer was lost: run it.
  for (auto& [key, job] : ours) accept(std::move(job), now);
  may_have_work_ = true;
}

rules::Outcome Pump::no_such_task(const Reserved& reserved) {
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
  const auto has = [](const std::vector<std::string>& names, const std::string& name) {
    return std::ranges::find(names, name) != names.end();
  };
  for (const WorkerRecord& worker : std::get<Page<WorkerRecord>>(*listed).items) {
    const bool in_pool =
        reserved.pool.empty() ? worker.pools.empty() : has(worker.pools, reserved.pool);
    if (in_pool && has(worker.queues, reserved.queue) && has(worker.tasks, reserved.task)) {
      outcome.offered = true;
    }
  }
  return outcome;
}

void Pump::accept(Reserved reserved, SteadyTime now) {
  const ItemKey key{reserved.key, reserved.fence};
  const Tasks::Task* task = tasks_.find(reserved.task);
  static const Tasks::Task nothing{};
  const bool known = task != nullptr;
  Item item{.attempt = std::make_shared<Attempt>(std::move(reserved), known ? *task : nothing,
                                                 options_.retention, options_.profile.worker),
            .fetched_at = now};
  if (!known) {
    end_item(key, item, no_such_task(item.attempt->reserved()));
    return;
  }
  ++taken_;
  items_.emplace(key, std::move(item));
  queue_.push_back(key);
}

void Pump::start_what_may(const Heard& heard, SteadyTime now) {
  if (mode_ >= Mode::drain || in_doubt_) return;
  // Without contact the session may have been declared dead, and the jobs given to others.
  if (since(heard.last_contact, now) > rules::contact_window) return;
  while (!queue_.empty() && running_ < slots_.size()) {
    const auto found = items_.find(queue_.front());
    queue_.pop_front();
    if (found == items_.end() || found->second.abandoned) continue;
    if (found->second.cancelled) {
      end_item(found->first, found->second, rules::Interrupted{});
      forget(found);
      continue;
    }
    found->second.running = true;
    ++running_;
    slots_.start(found->second.attempt);
  }
}

void Pump::lose_session(std::string_view why) {
  log(LogLevel::warning, "session " + std::to_string(static_cast<std::uint64_t>(session_.number)) +
                             " is lost: " + std::string(why));
  // What ends from now on is sent under the next session, which the store refuses and counts.
  for (auto it = items_.begin(); it != items_.end();) {
    it->second.abandoned = true;
    it->second.attempt->request_stop();
    const auto here = it++;
    if (!here->second.running) forget(here);
  }
  queue_.clear();
  notes_.clear();
  session_ = SessionId{};
  in_doubt_ = false;
  fetch_alone_ = false;
  open_session(store_.clock().steady());
}

bool Pump::finish_draining() {
  const bool nothing_runs =
      std::ranges::all_of(items_, [](const auto& item) { return item.second.abandoned; });
  if (options_.burst && drained_dry_ && items_.empty() && outbox_.empty()) {
    request(Mode::drain);
    mode_ = std::max(mode_, Mode::drain);
  }
  if (options_.max_jobs > 0 && taken_ >= options_.max_jobs && items_.empty() && outbox_.empty()) {
    mode_ = std::max(mode_, Mode::drain);
  }
  if (mode_ < Mode::drain || !nothing_runs || !outbox_.empty() || in_doubt_) return false;
  if (!notes_.empty() && mode_ == Mode::drain) return false;
  // An unanswered close is repeated by the next step; a session that is gone already is closed.
  const auto closed = store_.close(session_, Call{++call_});
  return closed || closed.error().code != Errc::unavailable;
}

void Pump::publish(bool in_call) {
  Pulse::Own own{.session = session_, .calls = call_, .in_call = in_call};
  own.held = static_cast<std::int64_t>(outbox_.size());
  for (const auto& [key, item] : items_) own.held += item.abandoned ? 0 : 1;
  own.vitals.running = running_;
  own.vitals.state = mode_ == Mode::fetch   ? Vitals::State::running
                     : mode_ == Mode::quiet ? Vitals::State::quiet
                                            : Vitals::State::draining;
  {
    const std::lock_guard lock(stats_mutex_);
    stats_.running = own.vitals.running;
    own.vitals.processed = stats_.tasks_processed;
    own.vitals.failed = stats_.tasks_failed;
  }
  pulse_.set_own(own);
}

void Pump::describe(SteadyTime now) {
  if (now < next_description_) return;
  next_description_ = now + notes_every;
  std::vector<std::string> lines;
  for (const auto& [key, item] : items_) {
    if (!item.running) continue;
    const Reserved& job = item.attempt->reserved();
    const Duration ran =
        item.attempt->has_started() ? since(item.attempt->started_at(), now) : Duration{0};
    lines.push_back(job.task + ' ' + job.id.text + " for " + rules::format_duration(ran));
  }
  const std::lock_guard lock(stats_mutex_);
  slot_lines_ = std::move(lines);
}

void Pump::forget(std::map<ItemKey, Item>::iterator item) {
  if (item->second.running) --running_;
  items_.erase(item);
}

bool Pump::holds_suspect() const {
  return std::ranges::any_of(items_, [](const auto& item) {
    return item.second.attempt->reserved().alone && !item.second.abandoned;
  });
}

Rest Pump::rest(const Heard& heard, SteadyTime now) const {
  Rest rest{.what = {.seen = seen_}, .longest = idle_rest};
  const auto at_most = [&](Duration longest) { rest.longest = std::min(rest.longest, longest); };
  if (now < not_before_) {
    rest.longest = since(now, not_before_) + Duration{1};
    return rest;
  }
  if (session_.nonce.empty() || in_doubt_ || !outbox_.empty()) rest.again = true;
  if (wanted() > 0) rest.again = true;
  rest.what.work = mode_ == Mode::fetch && !may_have_work_ && !holds_suspect();
  if (!items_.empty()) at_most(notes_every);
  if (!queue_.empty()) at_most(Duration{20});
  if (heard.work_waiting) at_most(rules::beat_interval);
  if (drain_since_) at_most(std::max(options_.grace - since(*drain_since_, now), Duration{1}));
  return rest;
}

WorkerStats Pump::stats() const {
  const std::lock_guard lock(stats_mutex_);
  WorkerStats stats = stats_;
  stats.uptime = since(born_, store_.clock().steady());
  return stats;
}

std::vector<std::string> Pump::describe_slots() const {
  const std::lock_guard lock(stats_mutex_);
  return slot_lines_;
}

}  // namespace penstock
