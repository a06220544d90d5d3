// SPDX-License-Identifier: MIT
//
// finish: ends attempts and takes new jobs, in one transaction. Ending checks the owner of every
// job; taking picks lanes by priority and age, and never hands out more than a bounded batch.
#include "store/sqlite/session_row.h"

#include "rules/duration.h"
#include "rules/job_state.h"
#include "rules/limits.h"

#include <algorithm>
#include <limits>

namespace penstock::sqlite {
namespace {

bool owns(const JobRow& row, const SessionNumber session, const Fence fence) {
  return row.state == JobState::running && row.session == session && row.fence == fence;
}

// The head of a lane, and how it ranks: its priority plus one for each age_step that it waited.
struct Candidate {
  rules::Lane lane{};
  int priority = 0;
  std::int64_t head_ready_ms = 0;

  [[nodiscard]] double rank(Time now) const {
    const auto waited = static_cast<double>(rules::to_ms(now) - head_ready_ms);
    return priority + std::max(waited, 0.0) / static_cast<double>(rules::age_step.count());
  }
};

bool in_pools(const LaneRow& lane, const std::vector<std::string>& pools) {
  if (pools.empty()) return lane.pool.empty();
  return std::ranges::find(pools, lane.pool) != pools.end();
}

// A batch comes from one lane only as far as its jobs outrank the next lane's head: what became
// ready after this would be younger than its rank allows.
std::int64_t youngest_allowed(const Candidate& best, const Candidate* next, Time now) {
  if (!next) return std::numeric_limits<std::int64_t>::max();
  const double lead = next->rank(now) - best.priority;
  if (lead <= 0) return std::numeric_limits<std::int64_t>::max();
  return rules::to_ms(now) -
         static_cast<std::int64_t>(lead * static_cast<double>(rules::age_step.count()));
}

// Taking jobs for one session within one step.
class Reservation {
 public:
  Reservation(WriteStep& step, Lanes& lanes, SessionNumber session, std::string_view worker,
              const Want& want)
      : step_(step),
        db_(step.connection()),
        lanes_(lanes),
        session_(session),
        worker_(worker),
        want_(want),
        left_(std::min(want.jobs, rules::reserve_jobs)) {}

  // Marks one job as the session's own.
  void take(const Reserved& job) {
    if (fence_ == 0) fence_ = step_.next_fence();
    db_.statement("finish.take")
        .start(static_cast<std::uint32_t>(job.key.lane), job.key.sequence,
               static_cast<std::uint64_t>(session_), fence_, step_.now(), worker_)
        .run();
    const std::string& queue = step_.lane(job.key.lane).queue;
    step_.counted(queue, JobState::ready, -1, 0);
    step_.counted(queue, JobState::running, 1, 0);
    step_.event(job.key, JobState::ready, JobState::running, job.attempt, job.task, worker_, {});
    taken.push_back(job);
    taken.back().fence = Fence{fence_};
    bytes_ += job.payload.size();
    --left_;
  }

  [[nodiscard]] bool full() const { return left_ == 0 || bytes_ >= rules::step_bytes; }
  [[nodiscard]] std::size_t left() const { return left_; }

  std::vector<Candidate> candidates(const std::string& queue) {
    std::vector<Candidate> found;
    Statement& paused = db_.statement("finish.paused").start(queue);
    const bool stop = paused.row() && paused.integer(0) != 0;
    paused.end();
    if (stop) return found;
    for (const LaneRow* lane : lanes_.of_queue(queue)) {
      if (!in_pools(*lane, want_.pools)) continue;
      Statement& head = db_.statement("finish.head").start(static_cast<std::uint32_t>(lane->lane));
      if (head.row()) {
        found.push_back(
            {.lane = lane->lane, .priority = lane->priority, .head_ready_ms = head.integer(0)});
      }
      head.end();
    }
    std::ranges::sort(found, [&](const Candidate& a, const Candidate& b) {
      return a.rank(step_.now()) > b.rank(step_.now());
    });
    return found;
  }

  std::vector<Reserved> taken;

 private:
  WriteStep& step_;
  Connection& db_;
  Lanes& lanes_;
  SessionNumber session_;
  std::string_view worker_;
  const Want& want_;
  std::size_t left_;
  std::size_t bytes_ = 0;
  std::uint64_t fence_ = 0;
};

std::optional<JobRow> expired(WriteStep& step, const Reserved& job,
                              std::optional<std::int64_t> at) {
  if (!at || *at > rules::to_ms(step.now())) return std::nullopt;
  return step.job(job.key);
}

}  // namespace

Reserved SqliteStore::read_reserved(const Statement& s) {
  Reserved job;
  job.key = {.lane = rules::Lane{static_cast<std::uint32_t>(s.integer(0))},
             .sequence = static_cast<std::uint64_t>(s.integer(1))};
  job.fence = Fence{static_cast<std::uint64_t>(s.integer(2))};
  job.task = s.text(3);
  job.payload = s.text(4);
  job.attempt = static_cast<int>(s.integer(5));
  job.crashes = static_cast<int>(s.integer(6));
  job.misses = static_cast<int>(s.integer(7));
  job.own = s.text(8);
  job.tags = s.text(9);
  job.created_at = rules::from_ms(s.integer(10));
  job.id = s.is_null(11) ? database_->mint->make(job.key) : JobId{std::string(s.text(11))};
  job.alone = s.integer(12) != 0;
  if (const LaneRow* lane = lanes_.find(db(), job.key.lane)) {
    job.queue = lane->queue;
    job.pool = lane->pool;
    job.priority = lane->priority;
  }
  return job;
}

Result<Exchange> SqliteStore::finish(const FinishCall& call) {
  const Lock lock = guard();
  Exchange exchange;
  exchange.seen = live().bell();
  auto step = begin();
  if (!step) return std::move(step).error();
  auto session = owned(*step, call.session, static_cast<std::int64_t>(call.transitions.size()));
  if (!session) return std::move(session).error();
  if (auto ok = numbered(*step, *session, call.call); !ok) return std::move(ok).error();
  std::int64_t stale = 0;
  for (const rules::Transition& next : call.transitions) {
    const auto row = step->job(next.key);
    const bool ours = row && owns(*row, call.session.number, next.fence) &&
                      rules::is_legal(JobState::running, next.move, next.to);
    exchange.accepted.push_back(ours);
    if (ours) {
      step->move(*row, next, session->worker);
    } else {
      ++stale;
    }
  }
  if (stale > 0)
    step->connection().statement("meta.add").start("stale_writes_refused", stale).run();
  if (call.want && call.want->jobs > 0) reserve(*step, *session, *call.want, exchange);
  Statement& due = step->connection().statement("tend.next_due").start();
  if (due.row() && !due.is_null(0)) exchange.next_due = rules::from_ms(due.integer(0));
  due.end();
  if (auto done = step->commit(); !done) return std::move(done).error();
  return exchange;
}

void SqliteStore::reserve(WriteStep& step, const SessionRow& session, const Want& want,
                          Exchange& into) {
  lanes_.refresh(step.connection());
  Reservation reservation(step, lanes_, session.number, session.worker, want);
  if (reserve_suspect(step, session, want, reservation.taken, into)) {
    if (!reservation.taken.empty()) {
      const Reserved job = std::move(reservation.taken.back());
      reservation.taken.clear();
      reservation.take(job);
    }
    into.jobs = std::move(reservation.taken);
    return;
  }
  for (const std::string& queue : want.queues) {
    while (!reservation.full()) {
      const auto candidates = reservation.candidates(queue);
      if (candidates.empty()) break;
      const Candidate& best = candidates.front();
      const Candidate* next = candidates.size() > 1 ? &candidates[1] : nullptr;
      Statement& read =
          step.connection()
              .statement("finish.ready")
              .start(static_cast<std::uint32_t>(best.lane),
                     std::max(youngest_allowed(best, next, step.now()), best.head_ready_ms),
                     reservation.left());
      std::vector<std::pair<Reserved, std::optional<std::int64_t>>> batch;
      std::size_t bytes = 0;
      while (bytes < rules::step_bytes && read.row()) {
        batch.emplace_back(read_reserved(read), read.maybe(13));
        bytes += batch.back().first.payload.size();
      }
      read.end();
      for (const auto& [job, expires_at] : batch) {
        if (const auto row = expired(step, job, expires_at)) {
          step.move(*row,
                    rules::cancel_waiting(row->key, row->attempt, row->crashes, {}, step.now(),
                                          "expired before it started"),
                    {});
        } else {
          reservation.take(job);
        }
      }
      if (batch.empty()) break;
    }
  }
  into.jobs = std::move(reservation.taken);
}

// A poison suspect runs alone in its session. One session at a time is told of it, stops fetching,
// and takes it once it holds nothing; the others go on. True when nothing else may be taken.
bool SqliteStore::reserve_suspect(WriteStep& step, const SessionRow& session, const Want& want,
                                  std::vector<Reserved>& taken, Exchange& into) {
  Connection& db = step.connection();
  Statement& any = db.statement("finish.any_suspect").start();
  const bool some = any.row();
  any.end();
  if (!some) return false;
  std::optional<Reserved> suspect;
  for (const std::string& queue : want.queues) {
    for (const LaneRow* lane : lanes_.of_queue(queue)) {
      if (suspect || !in_pools(*lane, want.pools)) continue;
      Statement& read =
          db.statement("finish.suspect").start(static_cast<std::uint32_t>(lane->lane), queue);
      if (read.row()) suspect = read_reserved(read);
      read.end();
    }
  }
  if (!suspect) return false;
  if (want.holds_nothing) {
    taken.push_back(*std::move(suspect));
    return true;
  }
  db.statement("finish.tell_suspect").start(static_cast<std::uint64_t>(session.number)).run();
  Statement& told = db.statement("meta.read").start("suspect_session");
  into.alone_waiting = told.row() && told.integer(0) == static_cast<std::int64_t>(session.number);
  told.end();
  return into.alone_waiting;
}

std::int64_t SqliteStore::give_back_all(WriteStep& step, SessionNumber session,
                                        const rules::Outcome& outcome, const Retention& retention,
                                        std::size_t most, std::string_view worker) {
  std::vector<rules::JobKey> keys;
  Statement& read = step.connection()
                        .statement("session.some_held")
                        .start(static_cast<std::uint64_t>(session), most);
  while (read.row()) {
    keys.push_back({.lane = rules::Lane{static_cast<std::uint32_t>(read.integer(0))},
                    .sequence = static_cast<std::uint64_t>(read.integer(1))});
  }
  for (const rules::JobKey& key : keys) {
    const auto row = step.job(key);
    if (!row) continue;
    const rules::Attempted attempted{.key = key,
                                     .fence = row->fence,
                                     .attempt = row->attempt,
                                     .crashes = row->crashes,
                                     .misses = row->misses,
                                     .cancel_requested = row->cancel,
                                     .created_at = rules::from_ms(row->created_at_ms)};
    const auto own = rules::read_options(row->options);
    const auto policy = rules::effective(own ? *own : rules::OwnOptions{}, {}, retention);
    step.move(*row, rules::decide(attempted, outcome, policy, step.now(), 0.5), worker);
  }
  return static_cast<std::int64_t>(keys.size());
}

}  // namespace penstock::sqlite
