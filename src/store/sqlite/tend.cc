// SPDX-License-Identifier: MIT
//
// Upkeep in bounded steps: promote what is due, rescue what a dead session held, prune what is old.
#include "store/sqlite/session_row.h"

#include "rules/duration.h"
#include "rules/job_state.h"
#include "rules/limits.h"
#include "store/sqlite/event_text.h"
#include "store/sqlite/reply_text.h"

namespace penstock::sqlite {
namespace {

constexpr Duration producer_age{2LL * 3'600'000};
constexpr Duration event_age{24LL * 3'600'000};
constexpr std::int64_t most_events = 200'000;  // Entries.
constexpr int checkpoint_pages = 1000;

std::vector<rules::JobKey> keys_of(Statement& read) {
  std::vector<rules::JobKey> keys;
  while (read.row()) {
    keys.push_back({.lane = rules::Lane{static_cast<std::uint32_t>(read.integer(0))},
                    .sequence = static_cast<std::uint64_t>(read.integer(1))});
  }
  return keys;
}

void promote_one(WriteStep& step, const JobRow& row) {
  step.move(row, rules::promote_scheduled(row.key, row.attempt, row.crashes, row.misses), {});
}

}  // namespace

Result<Step> SqliteStore::promote(const Due& due, Time now, const Budget& budget) {
  if (due.chosen) return promote_chosen(*due.chosen, due.request);
  const Lock lock = guard();
  auto step = WriteStep::begin(db(), lanes_, live(), now);
  if (!step) return std::move(step).error();
  Step result;
  const auto due_now = keys_of(step->connection().statement("tend.due").start(now, budget.jobs));
  for (const rules::JobKey& key : due_now) {
    if (const auto row = step->job(key)) promote_one(*step, *row);
  }
  const auto stale = keys_of(step->connection().statement("tend.expired").start(now, budget.jobs));
  for (const rules::JobKey& key : stale) {
    const auto row = step->job(key);
    if (row) step->expire(*row);
  }
  result.done = static_cast<std::int64_t>(due_now.size() + stale.size());
  result.more = due_now.size() == budget.jobs || stale.size() == budget.jobs;
  Statement& next = step->connection().statement("tend.next_due").start();
  if (next.row() && !next.is_null(0)) result.next_due = rules::from_ms(next.integer(0));
  next.end();
  if (auto done = step->commit(); !done) return std::move(done).error();
  return result;
}

Result<Step> SqliteStore::rescue(SessionNumber session, std::uint64_t seen, const Death& death,
                                 Time now, const Budget& budget) {
  const Lock lock = guard();
  auto step = WriteStep::begin(db(), lanes_, live(), now);
  if (!step) return std::move(step).error();
  const auto number = static_cast<std::uint64_t>(session);
  Connection& db = step->connection();
  Statement& read = db.statement("session.row").start(number);
  if (!read.row()) {
    if (db.failed()) return db.take_error();
    return Step{};
  }
  const auto slot_number = static_cast<std::size_t>(read.integer(2));
  const std::string worker(read.text(3));
  const bool retired = read.integer(4) != 0;
  read.end();
  LiveFile::Slot& slot = live().slot(slot_number);
  if (!retired && slot.beat_of(session) != seen) return Step{};
  if (!retired) {
    db.statement("tend.retire").start(number).run();
    db.statement("meta.add").start("sessions_lost", 1).run();
    step->event_line("w\t" + escape_field(worker) + "\tlost: " + escape_field(death.certificate));
  }
  Step result;
  const std::string certificate =
      "worker " + worker + " died: " + (death.certificate.empty() ? "no beat" : death.certificate);
  result.done = give_back_all(*step, session, rules::Crashed{certificate}, death.retention,
                              budget.jobs, worker);
  result.more = result.done == static_cast<std::int64_t>(budget.jobs);
  if (!result.more) db.statement("session.delete").start(number).run();
  if (auto done = step->commit(); !done) return std::move(done).error();
  if (!result.more) slot.leave(session);
  return result;
}

Result<Step> SqliteStore::prune(const PruneCall& call, Time now, const Budget& budget) {
  const Lock lock = guard();
  auto step = WriteStep::begin(db(), lanes_, live(), now);
  if (!step) return std::move(step).error();
  Connection& db = step->connection();
  Step result;
  const auto forget = [&](const std::vector<rules::JobKey>& keys, JobState state) {
    std::int64_t count = 0;
    for (const rules::JobKey& key : keys) {
      const auto row = step->job(key);
      if (!row || row->state != state) continue;
      step->forget(*row);
      ++count;
    }
    if (count == 0) return;
    // Never silently: the stream says what went.
    step->event_line("q\t\tpruned " + std::to_string(count) + ' ' +
                     std::string(rules::to_text(state)));
    result.done += count;
    if (keys.size() == budget.jobs) result.more = true;
  };
  if (call.state) {
    forget(keys_of(db.statement("tend.ended_before")
                       .start(rules::to_text(*call.state), now - call.older_than, budget.jobs)),
           *call.state);
  } else {
    for (const JobState state : {JobState::succeeded, JobState::failed, JobState::cancelled}) {
      const Keep& keep =
          state == JobState::failed ? call.retention.failed : call.retention.succeeded;
      const std::string_view name = rules::to_text(state);
      forget(keys_of(db.statement("tend.outlived").start(name, now, budget.jobs)), state);
      Statement& kept = db.statement("tend.kept").start(name);
      std::int64_t jobs = 0, bytes = 0;
      if (kept.row()) jobs = kept.integer(0), bytes = kept.integer(1);
      kept.end();
      if (jobs <= keep.count && bytes <= keep.bytes) continue;
      // Over the bytes: as many of the oldest as their average size says, then look again.
      const std::int64_t by_bytes =
          bytes > keep.bytes ? (bytes - keep.bytes) / std::max<std::int64_t>(bytes / jobs, 1) + 1
                             : 0;
      const std::int64_t most =
          std::min(std::max(jobs - keep.count, by_bytes), static_cast<std::int64_t>(budget.jobs));
      forget(keys_of(db.statement("tend.oldest").start(name, most)), state);
    }
    db.statement("tend.old_producers").start(now - producer_age, budget.jobs).run();
    db.statement("tend.old_idempotency").start(now - rules::idempotency_window, budget.jobs).run();
    db.statement("tend.old_events").start(now - event_age, most_events, budget.jobs).run();
  }
  if (auto done = step->commit(); !done) return std::move(done).error();
  if (!database_->in_memory()) {
    int pages = 0, moved = 0;
    // Outside the transaction, and never in the way of a writer.
    sqlite3_wal_checkpoint_v2(db.raw(), nullptr, SQLITE_CHECKPOINT_PASSIVE, &pages, &moved);
    if (pages > checkpoint_pages && pages == moved && live().take_turn()) {
      sqlite3_wal_checkpoint_v2(db.raw(), nullptr, SQLITE_CHECKPOINT_RESTART, nullptr, nullptr);
      live().pass_turn();
    }
  }
  return result;
}

}  // namespace penstock::sqlite
