// SPDX-License-Identifier: MIT
//
// extend: one beat. It costs no transaction while nothing has changed: the beat goes into the live
// file, and the orders are read anew only after a commit, of another connection or of this one.
#include "store/sqlite/session_row.h"

#include "rules/duration.h"

namespace penstock::sqlite {
namespace {

constexpr std::size_t watchers = 32;  // The oldest sessions watch all, the others watch these.
// A kill between commit and announcement loses a wake-up; a beat looks for itself this often.
constexpr std::chrono::seconds look_anyway{2};

}  // namespace

Result<Orders> SqliteStore::extend(const SessionId& session, const Vitals& vitals) {
  const Lock lock = guard();
  live().follow_path();
  auto& remembered = beating_[{session.number, session.nonce}];
  if (!remembered) remembered = std::make_unique<Beating>();
  Beating& beating = *remembered;
  if (!beating.orders.alive) return beating.orders;  // Nobody comes back from the dead.
  if (beating.known) live().slot(beating.slot).write(session.number, vitals, clock().now());
  const Beating::Version version{
      .others = database_->in_memory() ? -1 : db().ask("PRAGMA data_version"),
      .own = sqlite3_total_changes64(db().raw())};
  const SteadyTime now = real_clock().steady();
  if (version.others < 0 || version != beating.version || now - beating.read_at >= look_anyway) {
    if (auto read = read_orders(session, beating); !read) return std::move(read).error();
    beating.version = version;
    beating.read_at = now;
    if (!beating.known && beating.orders.alive) {
      beating.known = true;
      live().slot(beating.slot).write(session.number, vitals, clock().now());
    }
  }
  if (!beating.orders.alive) return beating.orders;
  if (!vitals.tally.empty()) {
    if (auto kept = keep_tally(session.number, vitals.tally); !kept) return std::move(kept).error();
  }
  beating.orders.news = live().bell();
  beating.orders.watch.clear();
  for (const Beating::Peer& peer : beating.peers) {
    beating.orders.watch.push_back({.session = peer.session,
                                    .beat = live().slot(peer.slot).beat_of(peer.session),
                                    .retired = peer.retired});
  }
  return beating.orders;
}

Result<void> SqliteStore::read_orders(const SessionId& session, Beating& beating) {
  const auto number = static_cast<std::uint64_t>(session.number);
  db().execute("BEGIN");
  Orders orders;
  Statement& row = db().statement("session.row").start(number);
  const bool ours = row.row() && row.text(0) == session.nonce;
  orders.alive = ours && row.integer(4) == 0;
  if (orders.alive) {
    beating.slot = static_cast<std::size_t>(row.integer(2));
    orders.order = static_cast<Order>(row.integer(5));
  }
  row.end();
  if (orders.alive) {
    read_work(number, orders);
    read_peers(session.number, orders, beating);
    Statement& oldest = db().statement("prune.next").start();
    if (oldest.row() && !oldest.is_null(0)) orders.oldest_ended = rules::from_ms(oldest.integer(0));
    oldest.end();
  }
  db().execute("COMMIT");
  if (auto ended = read_ended(); !ended) return ended;
  if (!orders.alive && (ours || beating.known)) {
    // It beats, so it lives: whoever declared it dead was mistaken, or it had been stopped.
    if (auto counted = count_false_alarm(); !counted) return counted;
  }
  if (orders.alive && orders.upkeep == SessionNumber{}) {
    auto holder = take_upkeep(session.number);
    if (!holder) return std::move(holder).error();
    orders.upkeep = *holder;
  }
  beating.orders = std::move(orders);
  return {};
}

void SqliteStore::read_work(std::uint64_t session, Orders& orders) {
  Statement& held = db().statement("session.count_held").start(session);
  if (held.row()) orders.held = held.integer(0);
  held.end();
  Statement& told = db().statement("session.told").start(session);
  while (told.row()) {
    orders.cancels.push_back({.lane = rules::Lane{static_cast<std::uint32_t>(told.integer(0))},
                              .sequence = static_cast<std::uint64_t>(told.integer(1))});
  }
  Statement& due = db().statement("tend.next_due").start();
  if (due.row() && !due.is_null(0)) orders.next_due = rules::from_ms(due.integer(0));
  due.end();
  Statement& ready = db().statement("session.any_ready").start(session);
  orders.work_waiting = ready.row();
  ready.end();
}

// Leaves `upkeep` zero when nobody who lives holds it.
void SqliteStore::read_peers(SessionNumber own, Orders& orders, Beating& beating) {
  Statement& upkeep = db().statement("meta.read").start("upkeep");
  const SessionNumber holder{upkeep.row() ? static_cast<std::uint64_t>(upkeep.integer(0))
                                          : std::uint64_t{0}};
  upkeep.end();
  beating.peers.clear();
  std::size_t older = 0;  // Sessions that live and are older than the one in hand.
  bool among_oldest = false;
  Statement& peers = db().statement("session.peers").start();
  while (peers.row()) {
    const SessionNumber peer{static_cast<std::uint64_t>(peers.integer(0))};
    const bool retired = peers.integer(2) != 0;
    if (peer == holder && !retired) orders.upkeep = holder;
    if (peer == own) {
      among_oldest = older < watchers;
    } else if (retired || among_oldest || older < watchers) {
      beating.peers.push_back({peer, static_cast<std::size_t>(peers.integer(1)), retired});
    }
    if (!retired) ++older;
  }
}

Result<void> SqliteStore::count_false_alarm() {
  auto step = begin();
  if (!step) return std::move(step).error();
  step->connection().statement("meta.add").start("false_alarms", 1).run();
  return step->commit();
}

// The one thing of a beat that is a row: it comes rarely, and does not fit the live file.
Result<void> SqliteStore::keep_tally(SessionNumber session, const std::string& tally) {
  auto step = begin();
  if (!step) return std::move(step).error();
  const auto number = static_cast<std::uint64_t>(session);
  step->connection().statement("session.tally").start(number, tally).run();
  return step->commit();
}

// Who holds the lease now: another session may have been quicker.
Result<SessionNumber> SqliteStore::take_upkeep(SessionNumber session) {
  auto step = begin();
  if (!step) return std::move(step).error();
  Connection& db = step->connection();
  db.statement("session.take_upkeep").start(static_cast<std::uint64_t>(session)).run();
  Statement& read = db.statement("meta.read").start("upkeep");
  const SessionNumber holder{read.row() ? static_cast<std::uint64_t>(read.integer(0))
                                        : std::uint64_t{0}};
  read.end();
  if (auto done = step->commit(); !done) return std::move(done).error();
  return holder;
}

}  // namespace penstock::sqlite
