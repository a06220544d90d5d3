// SPDX-License-Identifier: MIT
//
// finish: ends attempts and takes new jobs, in one transaction. Ending checks the owner of every
// job; taking is in reserve.cc.
#include "store/sqlite/session_row.h"

#include "rules/duration.h"
#include "rules/job_state.h"
#include "rules/limits.h"

namespace penstock::sqlite {
namespace {

bool owns(const JobRow& row, const SessionNumber session, const Fence fence) {
  return row.state == JobState::running && row.session == session && row.fence == fence;
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
    if (ours && !next.runs.empty()) {
      if (auto conflicts = compare_runs(*step, next.runs); !conflicts.empty()) {
        exchange.accepted.back() = false;
        exchange.conflicts.emplace(exchange.accepted.size() - 1, std::move(conflicts));
        continue;
      }
      if (auto applied = apply_runs(*step, next.runs); !applied) return std::move(applied).error();
    }
    if (!ours) {
      ++stale;
    } else if (row->cancel) {
      // The request may be younger than what the worker knew when it decided.
      step->move(*row, rules::overruled_by_cancel(next, policy_of(*row), step->now()),
                 session->worker);
    } else {
      step->move(*row, next, session->worker);
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
                                     .in_run = rules::is_of_run(row->options),
                                     .created_at = rules::from_ms(row->created_at_ms)};
    step.move(*row, rules::decide(attempted, outcome, policy_of(*row, retention), step.now(), 0.5),
              worker);
  }
  return static_cast<std::int64_t>(keys.size());
}

}  // namespace penstock::sqlite
