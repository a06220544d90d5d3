// SPDX-License-Identifier: MIT
//
// The store in one SQLite file. One instance is one connection; all instances of one database share
// its Database (the mapped live file, the id secret, and for memory the only connection and its
// mutex). The verbs are in submit.cc, operate.cc, session.cc, beat.cc, finish.cc, reserve.cc,
// tend.cc and read.cc; their statements in statements/<verb>.sql. Next to read: write_step.h.
#pragma once

#include "rules/id.h"
#include "store/open.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/lanes.h"
#include "store/sqlite/live_file.h"
#include "store/sqlite/write_step.h"

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

namespace penstock::sqlite {

/// What the connections of one database have in common in this process.
struct Database {
  std::string path;  ///< ":memory:" for memory.
  std::string name;  ///< "sqlite:/full/path"
  Clock* clock = nullptr;
  std::optional<rules::IdMint> mint;
  std::shared_ptr<LiveFile> live;
  /// Memory only: the one connection, shared by all handles, used under `mutex`.
  std::shared_ptr<Connection> shared;
  std::recursive_mutex mutex;
  int next_ring_bit = 0;

  [[nodiscard]] bool in_memory() const { return path == ":memory:"; }
};

/// Opens or creates the database: layout, secret, the jump of counters after a boot.
Result<std::shared_ptr<Database>> open_database(const std::string& path, const std::string& name,
                                                Clock& clock);

class SqliteStore : public Store {
 public:
  static Result<std::unique_ptr<Store>> open(std::shared_ptr<Database> database);
  ~SqliteStore() override;

  Result<std::vector<Submitted>> submit(const SubmitCall& call) override;
  Result<Changed> cancel(const Selection& which, const RequestId& request) override;
  Result<Changed> retry(const Selection& which, const RequestId& request) override;
  Result<Changed> remove(const Selection& which, const RequestId& request) override;
  Result<Signalled> signal(const SignalCall& call) override;
  Result<void> configure(const Setting& setting, const RequestId& request) override;
  Result<SessionId> open(const WorkerProfile& profile) override;
  Result<Orders> extend(const SessionId& session, const Vitals& vitals) override;
  Result<Exchange> finish(const FinishCall& call) override;
  Result<std::vector<Reserved>> held(const SessionId& session, Call call) override;
  Result<void> note(const SessionId& session, std::span<const Note> notes) override;
  Result<void> close(const SessionId& session, Call call) override;
  Result<Woken> wait(const WaitFor& what, SteadyTime deadline, Ring& ring) override;
  Result<Step> promote(const Due& due, Time now, const Budget& budget) override;
  Result<Step> rescue(SessionNumber session, std::uint64_t seen, const Death& death, Time now,
                      const Budget& budget) override;
  Result<Step> prune(const PruneCall& call, Time now, const Budget& budget) override;
  Result<std::optional<Record>> find(const Ref& ref) override;
  Result<Listing> list(const Query& query) override;
  Result<Counts> count(const CountQuery& query) override;
  Result<EventPage> events(const EventQuery& query) override;
  Result<Health> check() override;
  Result<std::unique_ptr<Store>> another() override;
  std::unique_ptr<Ring> make_ring() override;
  Clock& clock() override { return *database_->clock; }
  [[nodiscard]] const std::string& name() const override { return database_->name; }

 private:
  using Lock = std::unique_lock<std::recursive_mutex>;
  struct Beating;  // What extend remembers between two beats.

  explicit SqliteStore(std::shared_ptr<Database> database);

  /// Guards the shared connection of a memory database; owns nothing for a file.
  Lock guard();
  Connection& db() { return *connection_; }
  LiveFile& live() { return *database_->live; }
  Result<WriteStep> begin();
  /// After a read: the sticky error, if any.
  Result<void> read_ended();

  // submit.cc
  Result<std::vector<Submitted>> insert_all(WriteStep& step, const SubmitCall& call);
  std::optional<Submitted> known_job(WriteStep& step, const rules::NewJob& job);
  Result<void> insert_job(WriteStep& step, const rules::NewJob& job, const rules::JobKey& key);
  Result<Connection*> connection_for(const Ack& ack);

  // run.cc
  /// What is not as the changes expect; nothing: they can be applied.
  std::vector<rules::RunConflict> compare_runs(WriteStep& step,
                                               std::span<const rules::RunChange> runs);
  Result<void> apply_runs(WriteStep& step, std::span<const rules::RunChange> runs);
  Result<void> apply_run(WriteStep& step, const rules::RunChange& run);
  Result<void> wake_job(WriteStep& step, std::string_view id);
  Result<Page<RunListed>> list_runs(const RunsQuery& query);
  Result<Page<rules::RunField>> list_fields(const FieldsQuery& query);
  Result<Page<std::string>> list_values(const ValuesQuery& query);

  // operate.cc
  /// The stored answer of this request, or nothing when it is new. Errors: conflict (older call).
  Result<std::optional<std::string>> known_reply(WriteStep& step, const RequestId& request);
  void remember_reply(WriteStep& step, const RequestId& request, std::string_view reply);
  template <class Act>
  Result<Changed> operate(const Selection& which, const RequestId& request, Act act);
  Result<Step> promote_chosen(const Selection& which, const RequestId& request);
  /// The jobs that a filter means from its cursor on: at most 1,000 looked at, 250 found.
  std::vector<rules::JobKey> select(const Filter& filter, std::string& next_cursor);
  Result<std::optional<rules::JobKey>> resolve(const JobId& id);
  Error absent(const JobId& id);

  // session.cc, beat.cc, finish.cc, reserve.cc
  struct SessionRow;
  Result<SessionRow> owned(WriteStep& step, const SessionId& session, std::int64_t stale_writes);
  Result<void> numbered(WriteStep& step, const SessionRow& row, Call call);
  Reserved read_reserved(const Statement& statement);
  Result<void> read_orders(const SessionId& session, Beating& beating);
  void read_work(std::uint64_t session, Orders& orders);
  void read_peers(SessionNumber own, Orders& orders, Beating& beating);
  Result<void> count_false_alarm();
  Result<void> keep_tally(SessionNumber session, const std::string& tally);
  Result<SessionNumber> take_upkeep(SessionNumber session);
  void reserve(WriteStep& step, const SessionRow& session, const Want& want, Exchange& into);
  struct Ready;
  Ready read_ready(const Statement& statement);
  /// A suspect for this session; else says in `into` whether it is to wait for one.
  std::optional<Ready> find_suspect(WriteStep& step, SessionNumber session, const Want& want,
                                    Exchange& into);
  std::int64_t give_back_all(WriteStep& step, SessionNumber session, const rules::Outcome& outcome,
                             const Retention& retention, std::size_t most, std::string_view worker);

  // read.cc
  Job read_job(const Statement& statement);
  Result<Page<Job>> list_jobs(const Filter& filter);
  Result<Page<LogLine>> list_logs(const LogQuery& query);
  Result<Page<Queue>> list_queues();
  Result<Page<WorkerRecord>> list_sessions();

  std::shared_ptr<Database> database_;
  std::shared_ptr<Connection> connection_;
  std::shared_ptr<Connection> full_;  // synchronous=FULL, opened with the first fsynced submit.
  Lanes lanes_;
  std::map<std::pair<SessionNumber, std::string>, std::unique_ptr<Beating>> beating_;
};

}  // namespace penstock::sqlite
