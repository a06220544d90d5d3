// SPDX-License-Identifier: MIT
//
// A session from its opening to its end: open, held, note, close; and wait. Its beat: beat.cc.
#include "store/sqlite/session_row.h"

#include "rules/duration.h"
#include "rules/limits.h"
#include "store/event_text.h"
#include "store/sqlite/large_text.h"

#include <sys/random.h>
#include <unistd.h>

namespace penstock::sqlite {
namespace {

std::string random_nonce() {
  std::uint64_t number = 0;
  if (getrandom(&number, sizeof number, 0) != sizeof number) std::abort();
  return std::to_string(number);
}

class LiveRing : public Ring {
 public:
  LiveRing(std::shared_ptr<LiveFile> live, int bit) : live_(std::move(live)), bit_(bit) {}
  void ring() override {
    rung.store(true);
    live_->ring(bit_);
  }
  [[nodiscard]] int bit() const { return bit_; }

  std::atomic<bool> rung{false};

 private:
  std::shared_ptr<LiveFile> live_;
  int bit_;
};

}  // namespace

Result<SqliteStore::SessionRow> SqliteStore::owned(WriteStep& step, const SessionId& session,
                                                   std::int64_t stale_writes) {
  const auto number = static_cast<std::uint64_t>(session.number);
  Statement& read = step.connection().statement("session.row").start(number);
  SessionRow row{.number = session.number};
  bool alive = false;
  if (read.row()) {
    row.call = Call{static_cast<std::uint64_t>(read.integer(1))};
    row.slot = static_cast<std::size_t>(read.integer(2));
    row.worker = read.text(3);
    alive = read.text(0) == session.nonce && read.integer(4) == 0;
  }
  read.end();
  if (alive) return row;
  if (step.connection().failed()) return step.connection().take_error();
  if (stale_writes > 0) {
    step.connection().statement("meta.add").start("stale_writes_refused", stale_writes).run();
    if (auto counted = step.commit(); !counted) return std::move(counted).error();
  }
  return Error{Errc::lease_lost,
               "session " + std::to_string(number) + " was declared dead: nothing was written"};
}

Result<void> SqliteStore::numbered(WriteStep& step, const SessionRow& row, Call call) {
  if (call <= row.call) {
    return Error{Errc::conflict, "call " + std::to_string(static_cast<std::uint64_t>(call)) +
                                     " of session " +
                                     std::to_string(static_cast<std::uint64_t>(row.number)) +
                                     " is not newer than its last one: ask what it holds"};
  }
  step.connection()
      .statement("session.numbered")
      .start(static_cast<std::uint64_t>(row.number), static_cast<std::uint64_t>(call))
      .run();
  return {};
}

Result<SessionId> SqliteStore::open(const WorkerProfile& profile) {
  const Lock lock = guard();
  auto step = begin();
  if (!step) return std::move(step).error();
  const SessionId session{.number = SessionNumber{step->next_fence()}, .nonce = random_nonce()};
  std::size_t slot = 0;
  Statement& taken = step->connection().statement("session.slots").start();
  while (taken.row() && static_cast<std::size_t>(taken.integer(0)) == slot) ++slot;
  taken.end();
  if (slot >= LiveFile::slots) {
    return Error{Errc::limited, "the database has " + std::to_string(slot) +
                                    " live workers, which is its limit: use Redis for more"};
  }
  step->connection()
      .statement("session.open")
      .start(static_cast<std::uint64_t>(session.number), session.nonce, slot, profile.worker,
             profile.host, profile.pid, join_lines(profile.queues), join_lines(profile.pools),
             join_lines(profile.tasks), profile.concurrency, step->now())
      .run();
  step->event_line("w\t" + escape_field(profile.worker) + "\topened");
  // Before the commit: a watcher that sees the row must not find a stranger's beat in the slot.
  LiveFile::Slot& live_slot = live().slot(slot);
  live_slot.beat.store(0);
  live_slot.write(session.number, {.state = Vitals::State::starting}, step->now());
  if (auto done = step->commit(); !done) return std::move(done).error();
  return session;
}

Result<std::vector<Reserved>> SqliteStore::held(const SessionId& session, Call call) {
  const Lock lock = guard();
  auto step = begin();
  if (!step) return std::move(step).error();
  auto row = owned(*step, session, 0);
  if (!row) return std::move(row).error();
  if (auto ok = numbered(*step, *row, call); !ok) return std::move(ok).error();
  std::vector<Reserved> jobs;
  Statement& read = step->connection()
                        .statement("session.held")
                        .start(static_cast<std::uint64_t>(session.number));
  while (read.row()) {
    jobs.push_back(read_reserved(read));
    if (read.is_null(13)) continue;
    Reserved& job = jobs.back();
    job.payload = LargeText{job.key.sequence}.read(step->connection());
  }
  if (auto done = step->commit(); !done) return std::move(done).error();
  return jobs;
}

Result<void> SqliteStore::note(const SessionId& session, std::span<const Note> notes) {
  const Lock lock = guard();
  auto step = begin();
  if (!step) return std::move(step).error();
  auto owner = owned(*step, session, static_cast<std::int64_t>(notes.size()));
  if (!owner) return std::move(owner).error();
  Connection& db = step->connection();
  std::int64_t refused = 0;
  for (const Note& note : notes) {
    const auto lane = static_cast<std::uint32_t>(note.key.lane);
    const auto row = step->job(note.key);
    if (!row || row->state != JobState::running || row->session != session.number ||
        row->fence != note.fence) {
      ++refused;
      continue;
    }
    if (note.progress) {
      db.statement("note.progress")
          .start(lane, note.key.sequence, *note.progress, note.message)
          .run();
      step->event_line("p\t" + job_text(note.key, row->own_id) + '\t' +
                       std::to_string(*note.progress) + '\t' + escape_field(note.message));
    }
    for (const LogLine& line : note.lines) {
      const std::string text = line.text.substr(0, rules::max_log_line_bytes);
      db.statement("note.log")
          .start(lane, note.key.sequence, static_cast<std::uint64_t>(note.fence), line.number,
                 line.at, line.attempt, text)
          .run();
      if (sqlite3_changes(db.raw()) == 0) continue;  // Known already: the note was repeated.
      db.statement("note.logged").start(lane, note.key.sequence, text.size()).run();
      step->event_line("l\t" + job_text(note.key, row->own_id) + '\t' +
                       std::to_string(line.number) + '\t' + escape_field(text));
    }
    if (!note.lines.empty()) {
      db.statement("note.trim_log").start(lane, note.key.sequence, rules::max_log_bytes).run();
    }
  }
  if (refused > 0) db.statement("meta.add").start("stale_writes_refused", refused).run();
  if (auto done = step->commit(); !done) return done;
  if (refused > 0) {
    return Error{Errc::lease_lost, std::to_string(refused) + " of " + std::to_string(notes.size()) +
                                       " notes were for jobs that the session does not hold"};
  }
  return {};
}

Result<void> SqliteStore::close(const SessionId& session, Call call) {
  const Lock lock = guard();
  auto step = begin();
  if (!step) return std::move(step).error();
  auto row = owned(*step, session, 0);
  if (!row) return std::move(row).error();
  if (auto ok = numbered(*step, *row, call); !ok) return ok;
  while (give_back_all(*step, session.number, rules::Interrupted{}, {}, rules::step_jobs,
                       row->worker) > 0) {
  }
  step->connection()
      .statement("session.delete")
      .start(static_cast<std::uint64_t>(session.number))
      .run();
  step->event_line("w\t" + escape_field(row->worker) + "\tclosed");
  if (auto done = step->commit(); !done) return done;
  live().slot(row->slot).leave(session.number);
  return {};
}

std::unique_ptr<Ring> SqliteStore::make_ring() {
  const std::lock_guard lock(database_->mutex);
  constexpr int first_bit = 3, bits = 29;
  const int bit = first_bit + (getpid() + database_->next_ring_bit++) % bits;
  return std::make_unique<LiveRing>(database_->live, bit);
}

Result<Woken> SqliteStore::wait(const WaitFor& what, SteadyTime deadline, Ring& ring) {
  auto& own = static_cast<LiveRing&>(ring);  // A Ring is made by the store it is used with.
  return live().wait(what, own.bit(), own.rung, deadline);
}

}  // namespace penstock::sqlite
