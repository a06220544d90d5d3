// SPDX-License-Identifier: MIT
//
// A session from its opening to its end: open, extend, held, note, close; and wait.
#include "store/sqlite/session_row.h"

#include "rules/duration.h"
#include "rules/limits.h"
#include "store/sqlite/event_text.h"

#include <algorithm>

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

constexpr std::size_t watchers = 32;  // The oldest sessions watch all, the others watch these.
// A kill between commit and announcement loses a wake-up; a beat looks for itself this often.
constexpr std::chrono::seconds look_anyway{2};

void write_vitals(LiveFile::Slot& slot, const SessionId& session, const Vitals& vitals, Time now) {
  slot.session.store(static_cast<std::uint64_t>(session.number));
  slot.processed.store(vitals.processed);
  slot.failed.store(vitals.failed);
  slot.rss_bytes.store(vitals.rss_bytes);
  slot.running.store(static_cast<std::uint32_t>(vitals.running));
  slot.state.store(static_cast<std::uint32_t>(vitals.state));
  slot.seen_at_ms.store(rules::to_ms(now));
  slot.beat.fetch_add(1);
}

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
  write_vitals(live_slot, session, {.state = Vitals::State::starting}, step->now());
  if (auto done = step->commit(); !done) return std::move(done).error();
  return session;
}

Result<Orders> SqliteStore::extend(const SessionId& session, const Vitals& vitals) {
  const Lock lock = guard();
  live().follow_path();
  if (!beating_ || beating_->session != session.number) {
    beating_ = std::make_unique<Beating>();
    beating_->session = session.number;
  }
  Beating& beating = *beating_;
  if (beating.known) write_vitals(live().slot(beating.slot), session, vitals, clock().now());
  const std::int64_t version = database_->in_memory() ? -1 : db().ask("PRAGMA data_version");
  const SteadyTime now = real_clock().steady();
  if (version < 0 || version != beating.version || now - beating.read_at >= look_anyway) {
    if (auto read = read_orders(session, beating); !read) return std::move(read).error();
    beating.version = version;
    beating.read_at = now;
    if (!beating.known && beating.orders.alive) {
      beating.known = true;
      write_vitals(live().slot(beating.slot), session, vitals, clock().now());
    }
  }
  if (!beating.orders.alive) return beating.orders;
  beating.orders.watch.clear();
  for (const Beating::Peer& peer : beating.peers) {
    LiveFile::Slot& slot = live().slot(peer.slot);
    const bool same = slot.session.load() == static_cast<std::uint64_t>(peer.session);
    beating.orders.watch.push_back(
        {.session = peer.session, .beat = same ? slot.beat.load() : 0, .retired = peer.retired});
  }
  return beating.orders;
}

Result<void> SqliteStore::read_orders(const SessionId& session, Beating& beating) {
  const auto number = static_cast<std::uint64_t>(session.number);
  db().execute("BEGIN");
  Orders& orders = beating.orders;
  orders = Orders{};
  Statement& row = db().statement("session.row").start(number);
  orders.alive = row.row() && row.text(0) == session.nonce && row.integer(4) == 0;
  if (orders.alive) {
    beating.slot = static_cast<std::size_t>(row.integer(2));
    orders.order = static_cast<Order>(row.integer(5));
  }
  row.end();
  Statement& held = db().statement("session.count_held").start(number);
  if (held.row()) orders.held = held.integer(0);
  held.end();
  Statement& told = db().statement("session.told").start(number);
  while (told.row()) {
    orders.cancels.push_back({.lane = rules::Lane{static_cast<std::uint32_t>(told.integer(0))},
                              .sequence = static_cast<std::uint64_t>(told.integer(1))});
  }
  Statement& due = db().statement("tend.next_due").start();
  if (due.row() && !due.is_null(0)) orders.next_due = rules::from_ms(due.integer(0));
  due.end();
  Statement& ready = db().statement("session.any_ready").start();
  orders.work_waiting = ready.row();
  ready.end();
  beating.peers.clear();
  bool among_oldest = false;
  bool upkeep_is_held = false;
  Statement& upkeep = db().statement("meta.read").start("upkeep");
  if (upkeep.row()) orders.upkeep = SessionNumber{static_cast<std::uint64_t>(upkeep.integer(0))};
  upkeep.end();
  Statement& peers = db().statement("session.peers").start();
  while (peers.row()) {
    const SessionNumber peer{static_cast<std::uint64_t>(peers.integer(0))};
    const bool retired = peers.integer(2) != 0;
    if (peer == orders.upkeep && !retired) upkeep_is_held = true;
    if (beating.peers.size() >= watchers && !among_oldest && !retired) continue;
    if (peer == session.number) {
      among_oldest = true;
      continue;
    }
    beating.peers.push_back({peer, static_cast<std::size_t>(peers.integer(1)), retired});
  }
  db().execute("COMMIT");
  if (auto ended = read_ended(); !ended) return ended;
  if (orders.alive && !upkeep_is_held) {
    if (auto taken = take_upkeep(session.number); !taken) return taken;
    orders.upkeep = session.number;
  }
  if (!orders.alive && beating.known && !beating.mourned) {
    // It beats, so it lives: whoever declared it dead was mistaken, or it had been stopped.
    beating.mourned = true;
    auto step = begin();
    if (!step) return std::move(step).error();
    step->connection().statement("meta.add").start("false_alarms", 1).run();
    return step->commit();
  }
  return {};
}

Result<void> SqliteStore::take_upkeep(SessionNumber session) {
  auto step = begin();
  if (!step) return std::move(step).error();
  step->connection()
      .statement("session.take_upkeep")
      .start(static_cast<std::uint64_t>(session))
      .run();
  return step->commit();
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
  while (read.row()) jobs.push_back(read_reserved(read));
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
      step->event_line("p\t" + key_text(note.key) + '\t' + std::to_string(*note.progress) + '\t' +
                       escape_field(note.message));
    }
    for (const LogLine& line : note.lines) {
      const std::string text = line.text.substr(0, rules::max_log_line_bytes);
      db.statement("note.log")
          .start(lane, note.key.sequence, static_cast<std::uint64_t>(note.fence), line.number,
                 line.at, line.attempt, text)
          .run();
      if (sqlite3_changes(db.raw()) == 0) continue;  // Known already: the note was repeated.
      db.statement("note.logged").start(lane, note.key.sequence, text.size()).run();
      step->event_line("l\t" + key_text(note.key) + '\t' + std::to_string(line.number) + '\t' +
                       escape_field(text));
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
  live().slot(row->slot).session.store(0);
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
