// SPDX-License-Identifier: MIT
//
// The taking half of finish: picks lanes by priority and age, hands out a bounded batch, ends what
// has expired on the way, and keeps poison suspects apart.
#include "store/sqlite/session_row.h"

#include "rules/duration.h"
#include "rules/job_state.h"
#include "rules/limits.h"
#include "rules/whole_number.h"
#include "store/sqlite/large_text.h"
#include "store/sqlite/run_field.h"

#include <algorithm>
#include <limits>

namespace penstock::sqlite {
namespace {

// The head of a lane, and how it ranks: by its priority, one step of which is worth age_step of
// waiting. Whole milliseconds, so that equal ranks are equal.
struct Candidate {
  rules::Lane lane{};
  int priority = 0;
  std::int64_t head_ready_ms = 0;

  [[nodiscard]] std::int64_t priority_ms() const { return priority * rules::age_step.count(); }
  [[nodiscard]] std::int64_t rank_ms(Time now) const {
    return priority_ms() + std::max<std::int64_t>(rules::to_ms(now) - head_ready_ms, 0);
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
  const std::int64_t lead_ms = next->rank_ms(now) - best.priority_ms();
  if (lead_ms <= 0) return std::numeric_limits<std::int64_t>::max();
  return rules::to_ms(now) - lead_ms;
}

// Taking jobs for one session within one step, up to the bounds of a step.
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
  void take(Reserved job, std::string_view own_id) {
    if (fence_ == 0) fence_ = step_.next_fence();
    job.fence = Fence{fence_};
    db_.statement("finish.take")
        .start(static_cast<std::uint32_t>(job.key.lane), job.key.sequence,
               static_cast<std::uint64_t>(session_), fence_, step_.now(), worker_)
        .run();
    const std::string& queue = step_.lane(job.key.lane).queue;
    step_.counted(queue, JobState::ready, -1, 0);
    step_.counted(queue, JobState::running, 1, 0);
    step_.event({.key = job.key,
                 .own_id = own_id,
                 .from = JobState::ready,
                 .to = JobState::running,
                 .attempt = job.attempt,
                 .task = job.task,
                 .worker = worker_});
    taken.push_back(std::move(job));
    --left_;
  }

  // Ends a job that was to start earlier.
  void expire(const rules::JobKey& key) {
    if (const auto row = step_.job(key)) step_.expire(*row);
    ++expired_;
  }
  [[nodiscard]] bool is_expired(std::optional<std::int64_t> at_ms) const {
    return at_ms && *at_ms <= rules::to_ms(step_.now());
  }

  // True when a batch that has taken `bytes_` may grow by so many more; a first job always may.
  bool admit(std::size_t bytes) {
    full_ = full_ || (bytes_ > 0 && bytes_ + bytes > rules::step_bytes);
    if (!full_) bytes_ += bytes;
    return !full_;
  }

  [[nodiscard]] bool full() const {
    return full_ || left_ == 0 || expired_ >= rules::step_jobs || bytes_ >= rules::step_bytes;
  }
  [[nodiscard]] std::size_t left() const { return std::min(left_, rules::step_jobs - expired_); }

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
    std::ranges::stable_sort(found, [&](const Candidate& a, const Candidate& b) {
      return a.rank_ms(step_.now()) > b.rank_ms(step_.now());
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
  std::size_t bytes_ = 0, expired_ = 0;
  bool full_ = false;
  std::uint64_t fence_ = 0;
};

}  // namespace

SqliteStore::Ready SqliteStore::read_ready(const Statement& statement) {
  return {.job = read_reserved(statement),
          .own_id = std::string(statement.text(11)),
          .large_bytes = statement.maybe(13),
          .expires_at_ms = statement.maybe(14),
          .ready_at_ms = statement.integer(15)};
}

void SqliteStore::reserve(WriteStep& step, const SessionRow& session, const Want& want,
                          Exchange& into) {
  lanes_.refresh(step.connection());
  Reservation reservation(step, lanes_, session.number, session.worker, want);
  const auto take = [&](Ready& ready) {
    if (ready.large_bytes) {
      ready.job.payload = LargeText{ready.job.key.sequence}.read(step.connection());
    }
    if (const auto run = rules::run_of(ready.job.own); !run.empty()) {
      ready.job.run_state = read_run_field(step.connection(), run, "state").value_or("");
      const auto until = read_run_field(step.connection(), run, "until");
      const auto ms = until ? rules::whole_number(*until) : std::nullopt;
      if (ms) ready.job.run_until = rules::from_ms(*ms);
    }
    reservation.take(std::move(ready.job), ready.own_id);
  };
  if (auto suspect = find_suspect(step, session.number, want, into)) take(*suspect);
  const bool nothing_beside = into.alone_waiting || !reservation.taken.empty();
  for (const std::string& queue : want.queues) {
    while (!nothing_beside && !reservation.full()) {
      const auto candidates = reservation.candidates(queue);
      if (candidates.empty()) break;
      const Candidate& best = candidates.front();
      const Candidate* next = candidates.size() > 1 ? &candidates[1] : nullptr;
      const std::int64_t youngest =
          std::max(youngest_allowed(best, next, step.now()), best.head_ready_ms);
      Statement& read = step.connection()
                            .statement("finish.ready")
                            .start(static_cast<std::uint32_t>(best.lane), reservation.left());
      std::vector<Ready> batch;
      while (read.row()) {
        Ready ready = read_ready(read);
        if (ready.ready_at_ms > youngest || !reservation.admit(ready.payload_bytes())) break;
        batch.push_back(std::move(ready));
      }
      read.end();
      for (Ready& ready : batch) {
        if (reservation.is_expired(ready.expires_at_ms)) {
          reservation.expire(ready.job.key);
        } else {
          take(ready);
        }
      }
      if (batch.empty()) break;
    }
  }
  // Nothing but what had expired: whoever waits now must look again at once.
  if (reservation.full() && reservation.taken.empty()) step.concerns_work();
  into.jobs = std::move(reservation.taken);
}

// A poison suspect runs alone in its session. One session at a time is told of it, stops fetching,
// and takes it once it holds nothing; the others go on.
std::optional<SqliteStore::Ready> SqliteStore::find_suspect(WriteStep& step, SessionNumber session,
                                                            const Want& want, Exchange& into) {
  Connection& db = step.connection();
  Statement& any = db.statement("finish.any_suspect").start();
  const bool some = any.row();
  any.end();
  std::optional<Ready> suspect;
  if (!some) return suspect;
  for (const std::string& queue : want.queues) {
    for (const LaneRow* lane : lanes_.of_queue(queue)) {
      if (suspect || !in_pools(*lane, want.pools)) continue;
      Statement& read =
          db.statement("finish.suspect").start(static_cast<std::uint32_t>(lane->lane), queue);
      if (read.row()) suspect = read_ready(read);
      read.end();
    }
  }
  const auto number = static_cast<std::uint64_t>(session);
  if (!suspect || want.holds_nothing) {
    // Whoever was told and finds none, and whoever takes one, lets another be told of the next.
    db.statement("finish.untell_suspect").start(number, suspect.has_value()).run();
    return suspect;
  }
  db.statement("finish.tell_suspect").start(number).run();
  Statement& told = db.statement("meta.read").start("suspect_session");
  into.alone_waiting = told.row() && told.integer(0) == static_cast<std::int64_t>(number);
  told.end();
  return std::nullopt;
}

}  // namespace penstock::sqlite
