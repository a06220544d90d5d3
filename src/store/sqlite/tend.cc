// SPDX-License-Identifier: MIT
//
// Upkeep in bounded steps: promote what is due, rescue what a dead session held, prune what is old.
#include "store/sqlite/session_row.h"

#include "rules/duration.h"
#include "rules/job_state.h"
#include "rules/limits.h"
#include "store/event_text.h"
#include "store/sqlite/reply_text.h"

#include <functional>

namespace penstock::sqlite {
namespace {

constexpr Duration producer_age{2LL * 3'600'000};
constexpr Duration event_age{24LL * 3'600'000};
constexpr std::int64_t most_events = 200'000;  // Entries.
constexpr int checkpoint_pages = 1000;

// One run whose time is over, in bounded steps: the run itself goes last.
void forget_run(Connection& db, Time now, std::size_t most) {
  Statement& read = db.statement("run.outlived").start(now);
  if (!read.row()) return;
  const std::string run(read.text(0));
  read.end();
  db.statement("run.forget_fields").start(run, most).run();
  auto left = most - static_cast<std::size_t>(sqlite3_changes(db.raw()));
  db.statement("run.forget_values").start(run, left).run();
  left -= static_cast<std::size_t>(sqlite3_changes(db.raw()));
  if (left > 0) db.statement("run.forget").start(run).run();
}

std::vector<rules::JobKey> keys_of(Statement& read) {
  std::vector<rules::JobKey> keys;
  while (read.row()) {
    keys.push_back({.lane = rules::Lane{static_cast<std::uint32_t>(read.integer(0))},
                    .sequence = static_cast<std::uint64_t>(read.integer(1))});
  }
  return keys;
}

// Takes ended jobs away, up to a budget, and says in the stream what went.
class Pruning {
 public:
  Pruning(WriteStep& step, std::size_t budget)
      : step_(step), db_(step.connection()), left_(budget) {}

  void outlived(JobState state) {
    begin(state);
    forget(keys_of(db_.statement("prune.outlived").start(name_, step_.now(), left_)));
    end();
  }
  void ended_before(JobState state, Time time) {
    begin(state);
    forget(keys_of(db_.statement("prune.ended_before").start(name_, time, left_)));
    end();
  }
  // The oldest, until the others are within their bounds.
  void oldest(JobState state, const Keep& keep) {
    begin(state);
    Statement& kept = db_.statement("prune.kept").start(name_);
    if (kept.row()) jobs_ = kept.integer(0) - gone_jobs_, bytes_ = kept.integer(1) - gone_bytes_;
    kept.end();
    const auto fits = [&] { return jobs_ <= keep.count && bytes_ <= keep.bytes; };
    if (!fits()) {
      forget(keys_of(db_.statement("prune.oldest").start(name_, left_)), fits);
    }
    end();
  }
  [[nodiscard]] std::int64_t done() const { return done_; }
  [[nodiscard]] bool is_spent() const { return left_ == 0 || gone_in_all_ >= rules::step_bytes; }

 private:
  void begin(JobState state) {
    if (name_ != rules::to_text(state)) gone_jobs_ = gone_bytes_ = 0;
    state_ = state;
    name_ = rules::to_text(state);
    count_ = 0;
  }
  void forget(
      const std::vector<rules::JobKey>& keys,
      const std::function<bool()>& enough = [] { return false; }) {
    for (const rules::JobKey& key : keys) {
      if (enough() || is_spent()) return;
      const auto row = step_.job(key);
      if (!row || row->state != state_) continue;
      step_.forget(*row);
      // The kept counters are written when the step commits.
      ++gone_jobs_, --jobs_;
      gone_bytes_ += row->kept_bytes(), bytes_ -= row->kept_bytes();
      gone_in_all_ += static_cast<std::size_t>(row->kept_bytes());
      ++count_, --left_;
    }
  }
  void end() {
    if (count_ == 0) return;
    step_.event_line("q\t\tpruned " + std::to_string(count_) + ' ' + std::string(name_));
    done_ += count_;
  }

  WriteStep& step_;
  Connection& db_;
  std::size_t left_, gone_in_all_ = 0;  // Jobs, bytes.
  JobState state_ = JobState::succeeded;
  std::string_view name_;
  std::int64_t count_ = 0, done_ = 0;
  std::int64_t gone_jobs_ = 0, gone_bytes_ = 0;  // Of this state, in this step.
  std::int64_t jobs_ = 0, bytes_ = 0;            // Of this state, still kept.
};

}  // namespace

Result<Step> SqliteStore::promote(const Due& due, Time now, const Budget& budget) {
  if (due.chosen) return promote_chosen(*due.chosen, due.request);
  const Lock lock = guard();
  auto step = WriteStep::begin(db(), lanes_, live(), now);
  if (!step) return std::move(step).error();
  Step result;
  const auto due_now = keys_of(step->connection().statement("tend.due").start(now, budget.jobs));
  for (const rules::JobKey& key : due_now) {
    const auto row = step->job(key);
    if (!row) continue;
    step->move(*row, rules::promote_scheduled(key, row->attempt, row->crashes, row->misses), {});
  }
  const std::size_t left = budget.jobs - due_now.size();
  const auto late = keys_of(step->connection().statement("tend.expired").start(now, left));
  for (const rules::JobKey& key : late) {
    if (const auto row = step->job(key)) step->expire(*row);
  }
  result.done = static_cast<std::int64_t>(due_now.size() + late.size());
  result.more = late.size() == left;
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
  // What the first of its rescuers knew: another may be giving its jobs back.
  const std::string known(retired ? read.text(6) : std::string_view(death.certificate));
  read.end();
  LiveFile::Slot& slot = live().slot(slot_number);
  if (!retired && slot.beat_of(session) != seen) return Step{};
  if (!retired) {
    db.statement("tend.retire").start(number, known).run();
    db.statement("meta.add").start("sessions_lost", 1).run();
    step->event_line("w\t" + escape_field(worker) + "\tlost: " + escape_field(known));
  }
  Step result;
  const std::string certificate =
      "worker " + worker + " died: " + (known.empty() ? "no beat" : known);
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
  Pruning pruning(*step, budget.jobs);
  if (call.state) {
    pruning.ended_before(*call.state, now - call.older_than);
  } else {
    for (const JobState state : {JobState::succeeded, JobState::failed, JobState::cancelled}) {
      pruning.outlived(state);
      pruning.oldest(state,
                     state == JobState::failed ? call.retention.failed : call.retention.succeeded);
    }
    db.statement("prune.old_producers").start(now - producer_age, budget.jobs).run();
    db.statement("prune.old_idempotency").start(now - rules::idempotency_window, budget.jobs).run();
    db.statement("prune.old_events").start(now - event_age, most_events, budget.jobs).run();
    forget_run(db, now, budget.jobs);
    db.statement("prune.void_holds").start(now, budget.jobs).run();
    db.statement("prune.old_holds").start(now, budget.jobs).run();
  }
  const Step result{.done = pruning.done(), .more = pruning.is_spent()};
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
