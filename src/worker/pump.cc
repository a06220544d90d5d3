// SPDX-License-Identifier: MIT
#include "worker/pump.h"

#include "rules/limits.h"

#include <penstock/log.h>

#include <algorithm>
#include <ranges>

namespace penstock {
namespace {

constexpr Duration shortest_pause{50}, longest_pause{2000};
constexpr Duration notes_every{100};
constexpr Duration tally_every{2000};  // With a beat, when it has changed.
constexpr Duration idle_rest{10'000};
// Of two that wait, the store wakes the one that has waited longer. Whoever has just given back a
// job that another has a handler for waits after that other, or it would be given the same job
// again.
constexpr Duration manners{50};
// How long a worker that gives back goes on asking a store that does not answer. Then it leaves:
// its beats stop, and its peers take the jobs.
constexpr Duration farewell{5000};

// How many of them one call may carry; a first one always may.
std::size_t within_a_step(std::span<const rules::Transition> transitions) {
  std::size_t count = 0, bytes = 0;
  for (const rules::Transition& next : transitions) {
    bytes += next.result.size() + next.error.size();
    if (count == rules::step_jobs || (count > 0 && bytes > rules::step_bytes)) break;
    ++count;
  }
  return count;
}

Duration since(SteadyTime then, SteadyTime now) {
  return std::chrono::duration_cast<Duration>(now - then);
}

}  // namespace

Pump::Pump(Store& store, Slots& slots, const Tasks& tasks, Pulse& pulse, PumpOptions options)
    : store_(store),
      slots_(slots),
      pulse_(pulse),
      options_(std::move(options)),
      dice_(options_.seed),
      hand_(store, slots, tasks, options_.profile.worker, options_.retention,
            options_.stop_patience, options_.seed),
      born_(store.clock().steady()) {}

Rest Pump::step() {
  const SteadyTime now = store_.clock().steady();
  if (give_back_since_ && now - *give_back_since_ >= farewell) {
    log(LogLevel::warning, "the store did not answer: leaving without giving back");
    return {.finished = true};
  }
  const Heard heard = pulse_.heard();
  follow_mode(heard, now);
  if (session_.nonce.empty() && !open_session(now)) return rest({}, now);
  follow(heard, now);
  const bool was_alone = hand_.holds_suspect();
  hand_.collect(now);
  if (was_alone && !hand_.holds_suspect()) may_have_work_ = true;  // It kept us from asking.
  if (hand_.stop_overdue(now)) {
    recycle_ = true;
    request(Mode::drain);
  }
  hand_.give_back_waiting(now, mode_ >= Mode::drain);
  if (mode_ == Mode::give_back) hand_.give_back_running();
  if (now >= not_before_) {
    if (in_doubt_ || heard.ask_held) {
      resolve_doubt(now);
    } else if (write_notes(now)) {
      exchange(now);
    }
  }
  // Without contact the session may have been declared dead, and its jobs given to others.
  if (mode_ < Mode::drain && !in_doubt_ && pulse_.in_contact(now)) hand_.start();
  describe(now);
  publish(false);
  if (finish_draining(now)) return {.finished = true};
  return rest(heard, now);
}

bool Pump::open_session(SteadyTime now) {
  if (now < not_before_) return false;
  auto opened = store_.open(options_.profile);
  if (!opened) {
    unanswered(now, opened.error());
    in_doubt_ = false;  // There is no session that could hold anything.
    return false;
  }
  session_ = *std::move(opened);
  hand_.use_session(session_.number);
  call_ = 0;
  in_doubt_ = false;
  pause_ = Duration{0};
  may_have_work_ = true;
  publish(false);
  pulse_.opened(now);
  return true;
}

void Pump::follow(const Heard& heard, SteadyTime now) {
  if (!heard.alive) lose_session("it was declared dead", now);
  hand_.cancel(heard.cancels);
  // A wake-up can be lost with the process that should have sent it; beats tell of work as well.
  // Each answer is believed once: the work may be for others.
  if (heard.work_waiting && heard.last_contact != hinted_at_) {
    hinted_at_ = heard.last_contact;
    may_have_work_ = true;
  }
}

void Pump::follow_mode(const Heard& heard, SteadyTime now) {
  Mode asked = requested_.load();
  if (heard.order == Order::stop) asked = std::max(asked, Mode::drain);
  if (heard.order == Order::quiet) asked = std::max(asked, Mode::quiet);
  if (heard.too_large) {
    if (!too_large_) log(LogLevel::info, "its memory is above --max-rss: no more jobs are taken");
    too_large_ = true;
    asked = std::max(asked, Mode::drain);
  }
  const bool back_to_work = mode_ == Mode::quiet && asked == Mode::fetch;
  if (asked > mode_ || back_to_work) {
    mode_ = asked;
    may_have_work_ = true;
  }
  if (mode_ >= Mode::drain && !drain_since_) drain_since_ = now;
  if (mode_ == Mode::drain && now - *drain_since_ >= options_.grace) mode_ = Mode::give_back;
  if (mode_ == Mode::give_back && !give_back_since_) give_back_since_ = now;
}

bool Pump::write_notes(SteadyTime now) {
  if (notes_.empty() && now < next_notes_ && !hand_.notes_are_urgent()) return true;
  next_notes_ = now + notes_every;
  for (Note& note : hand_.take_notes()) notes_.push_back(std::move(note));
  if (notes_.empty()) return true;
  const auto written = store_.note(session_, notes_);
  if (!written && written.error().code == Errc::unavailable) {
    // Lines carry their number, so the notes may be sent again; but before the jobs end.
    pause_ = std::clamp(pause_ * 2, shortest_pause, longest_pause);
    not_before_ = now + pause_;
    return false;
  }
  notes_.clear();  // Written, or refused because the job is not ours.
  return true;
}

std::size_t Pump::wanted(SteadyTime now) const {
  // A burst ends with an answer that nothing is there, so it has to ask once more.
  const bool last_question = options_.lifetime.burst && hand_.empty() && !found_nothing_;
  if (mode_ != Mode::fetch || hand_.holds_suspect()) return 0;
  if (!may_have_work_ && !last_question) return 0;
  if (fetch_alone_ && !hand_.empty()) return 0;
  std::size_t want = hand_.room(now);
  std::int64_t left = allowance_;
  if (options_.lifetime.max_jobs > 0) left = std::min(left, options_.lifetime.max_jobs - taken_);
  want = std::min(want, static_cast<std::size_t>(std::max<std::int64_t>(left, 0)));
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
  const std::size_t want = wanted(now);
  std::vector<rules::Transition>& outbox = hand_.outbox;
  if (outbox.empty() && want == 0) return;
  const std::size_t sent = within_a_step(outbox);
  hand_.decide_runs(sent);
  FinishCall call{
      .session = session_, .call = Call{++call_}, .transitions = std::span(outbox).first(sent)};
  if (want > 0) {
    call.want = Want{.queues = queue_order(),
                     .pools = options_.profile.pools,
                     .jobs = want,
                     .holds_nothing = hand_.holds_nothing() && sent == outbox.size()};
    asked_ = *call.want;
  }
  publish(true);
  auto answer = store_.finish(call);
  if (answer) {
    pause_ = Duration{0};
    settle(*answer, sent, want, now);
    return;
  }
  if (answer.error().code != Errc::lease_lost) {
    unanswered(now, answer.error());
    return;
  }
  {
    const std::lock_guard lock(stats_mutex_);
    stats_.refused += static_cast<std::int64_t>(sent);
  }
  for (std::size_t i = 0; i < sent; ++i) hand_.settled(outbox[i]);
  outbox.erase(outbox.begin(), outbox.begin() + static_cast<std::ptrdiff_t>(sent));
  lose_session(answer.error().message, now);
}

void Pump::settle(const Exchange& answer, std::size_t sent, std::size_t wanted, SteadyTime now) {
  std::vector<rules::Transition>& outbox = hand_.outbox;
  {
    const std::lock_guard lock(stats_mutex_);
    for (std::size_t i = 0; i < sent; ++i) {
      const rules::Move move = outbox[i].move;
      if (answer.conflicts.contains(i)) continue;
      if (!answer.accepted[i]) {
        ++stats_.refused;
      } else if (move != rules::Move::give_back) {
        ++stats_.tasks_processed;
        if (move == rules::Move::fail) ++stats_.tasks_failed;
        if (move == rules::Move::retry) ++stats_.retried;
      }
    }
  }
  for (const auto& [i, conflict] : std::views::reverse(answer.conflicts)) {
    hand_.take_back(outbox[i]);
  }
  std::vector<rules::Transition> again;  // Their runs were not as expected: decided anew.
  for (std::size_t i = 0; i < sent; ++i) {
    const auto conflict = answer.conflicts.find(i);
    if (conflict == answer.conflicts.end()) {
      hand_.settled(outbox[i]);
    } else {
      hand_.learn(conflict->second);
      again.push_back(std::move(outbox[i]));
    }
  }
  outbox.erase(outbox.begin(), outbox.begin() + static_cast<std::ptrdiff_t>(sent));
  outbox.insert(outbox.begin(), std::make_move_iterator(again.begin()),
                std::make_move_iterator(again.end()));
  if (pulse_.found_due(answer.next_due)) tell_upkeep_();
  if (wanted == 0) return;
  seen_ = answer.seen;
  fetch_alone_ = answer.alone_waiting;
  may_have_work_ = answer.jobs.size() >= wanted || answer.alone_waiting;
  found_nothing_ = answer.jobs.empty() && !answer.alone_waiting;
  const auto took = static_cast<std::int64_t>(answer.jobs.size());
  taken_ += took;
  allowance_ -= took;
  for (const Reserved& job : answer.jobs) {
    if (!hand_.take(job, now)) waits_from_ = now + manners;
  }
}

void Pump::resolve_doubt(SteadyTime now) {
  publish(true);
  auto held = store_.held(session_, Call{++call_});
  if (!held) {
    if (held.error().code == Errc::lease_lost) {
      lose_session(held.error().message, now);
    } else {
      unanswered(now, held.error());
    }
    return;
  }
  in_doubt_ = false;  // The pause stays as it is: the exchange that follows may be refused again.
  pulse_.asked_held();
  const std::int64_t applied = hand_.reconcile(*std::move(held), now);
  may_have_work_ = true;
  const std::lock_guard lock(stats_mutex_);
  stats_.tasks_processed += applied;
}

void Pump::unanswered(SteadyTime now, const Error& error) {
  const bool silent = error.code == Errc::unavailable;
  log(LogLevel::warning,
      (silent ? "the store did not answer: " : "the store refused: ") + error.message);
  in_doubt_ = true;
  pause_ = std::clamp(pause_ * 2, shortest_pause, longest_pause);
  not_before_ = now + pause_;
}

void Pump::lose_session(std::string_view why, SteadyTime now) {
  log(LogLevel::warning, "session " + std::to_string(static_cast<std::uint64_t>(session_.number)) +
                             " is lost: " + std::string(why));
  // What ends from now on is sent under the next session, which the store refuses and counts.
  hand_.abandon();
  notes_.clear();
  session_ = SessionId{};
  in_doubt_ = false;
  fetch_alone_ = false;
  open_session(now);
}

bool Pump::finish_draining(SteadyTime now) {
  const bool burst_over = options_.lifetime.burst && found_nothing_;
  if ((burst_over || has_enough()) && holds_nothing()) mode_ = std::max(mode_, Mode::drain);
  if (mode_ < Mode::drain || !hand_.holds_nothing() || !hand_.outbox.empty()) return false;
  if (in_doubt_ || session_.nonce.empty() || now < not_before_) return false;
  // An unanswered close is repeated by the next step; a session that is gone already is closed.
  const auto closed = store_.close(session_, Call{++call_});
  if (closed || closed.error().code != Errc::unavailable) return true;
  pause_ = std::clamp(pause_ * 2, shortest_pause, longest_pause);
  not_before_ = now + pause_;
  return false;
}

void Pump::publish(bool in_call) {
  Pulse::Own own{.session = session_,
                 .held = hand_.held(),
                 .calls = call_,
                 .in_call = in_call,
                 .max_rss_bytes = options_.lifetime.max_rss_bytes};
  own.vitals.running = hand_.running();
  own.vitals.state = mode_ >= Mode::drain || has_enough() ? Vitals::State::draining
                     : mode_ == Mode::quiet               ? Vitals::State::quiet
                                                          : Vitals::State::running;
  {
    const std::lock_guard lock(stats_mutex_);
    stats_.running = own.vitals.running;
    if (tally_.version() != hand_.tally.version()) tally_ = hand_.tally;
    own.vitals.processed = stats_.tasks_processed;
    own.vitals.failed = stats_.tasks_failed;
  }
  if (const SteadyTime now = store_.clock().steady(); now >= next_tally_) {
    next_tally_ = now + tally_every;
    tally_told_ = hand_.tally.version();
    pulse_.set_tally(hand_.tally.json(rules::max_tally_bytes));
  }
  pulse_.set_own(own);
}

void Pump::describe(SteadyTime now) {
  if (now < next_description_) return;
  next_description_ = now + notes_every;
  std::vector<std::string> lines = hand_.describe(now);
  const std::lock_guard lock(stats_mutex_);
  slot_lines_ = std::move(lines);
}

Rest Pump::rest(const Heard& heard, SteadyTime now) const {
  Rest rest{.what = {.seen = seen_}, .longest = idle_rest};
  const auto at_most = [&](Duration longest) { rest.longest = std::min(rest.longest, longest); };
  if (now < not_before_) {
    rest.longest = since(now, not_before_) + Duration{1};
    return rest;
  }
  rest.again = session_.nonce.empty() || in_doubt_ || !hand_.outbox.empty() || wanted(now) > 0;
  // Not with an answer of no exchange yet: the wait is about what that one did not find.
  if (mode_ == Mode::fetch && !may_have_work_ && !hand_.holds_suspect()) {
    if (now < waits_from_) {
      at_most(since(now, waits_from_) + Duration{1});
    } else {
      rest.what.work = &asked_;
      rest.what.due = heard.tends;  // The next exchange tells when, and upkeep hears of it.
    }
  }
  if (!hand_.empty()) at_most(notes_every);
  if (tally_told_ != hand_.tally.version())
    at_most(since(now, std::max(now, next_tally_)) + Duration{1});
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

rules::Tally Pump::tally() const {
  const std::lock_guard lock(stats_mutex_);
  return tally_;
}

std::vector<std::string> Pump::slots() const {
  const std::lock_guard lock(stats_mutex_);
  return slot_lines_;
}

}  // namespace penstock
