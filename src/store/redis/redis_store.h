// SPDX-License-Identifier: MIT
//
// The store on a Redis server. One instance is one connection, and a second one to block on while
// it waits; all instances of one namespace share its Namespace (clock, keys, the secret of its
// ids). Every verb is one script of scripts/ (same name), or a few of them in one write; the C++
// beside it only carries values in and out. Where the layout is explained: docs/redis.md.
#pragma once

#include "rules/id.h"
#include "store/event_text.h"
#include "store/open.h"
#include "store/redis/address.h"
#include "store/redis/arguments.h"
#include "store/redis/clock.h"
#include "store/redis/connection.h"
#include "store/redis/keys.h"
#include "store/redis/limits.h"

#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace penstock::redis {

/// What the connections of one namespace have in common in this process.
struct Namespace {
  Address address = {};
  Timeouts timeouts = {};
  std::string name = {};   ///< The URL without its password.
  Clock* given = nullptr;  ///< For tests; null: the server's.
  ServerClock server_clock;
  Keys keys;

  explicit Namespace(const Address& where) : address(where), keys(where.prefix) {}
};

/// How much farther counters jump in a new run of the server, at most.
inline constexpr std::uint64_t jump_range = 1ULL << 31;

struct LaneRow {
  rules::Lane lane{};
  std::string queue = {}, pool = {};
  int priority = 5;
};

class RedisStore : public Store {
 public:
  static Result<std::unique_ptr<Store>> open(std::shared_ptr<Namespace> space);

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
  Clock& clock() override { return space_->given ? *space_->given : space_->server_clock; }
  [[nodiscard]] const std::string& name() const override { return space_->name; }

 private:
  explicit RedisStore(std::shared_ptr<Namespace> space) : space_(std::move(space)) {}

  [[nodiscard]] const Keys& keys() const { return space_->keys; }
  /// Looks at the layout after every connect, and makes it in an empty namespace.
  Result<void> greet(Connection& connection);
  /// Before the words of a call are put together that name the server's run id: connecting tells
  /// it.
  Result<void> ensure_connected();
  /// Appends a call of a script.
  void append(const Script& script, const ScriptArguments& arguments);
  /// Calls a script and answers its reply; an error reply of the server is an Error.
  Result<Reply> run(const Script& script, const ScriptArguments& arguments);
  /// An exchange whose error replies are Errors.
  Result<std::span<const Reply>> exchange();
  Result<void> wrong_layout(const Reply& reply);
  /// The durability that what was just submitted has reached.
  Ack reach(const Ack& asked);

  // Lanes are only ever added: what is known stays true as long as the server runs.
  Result<void> read_lanes();
  /// Null for a number that was never given out.
  Result<const LaneRow*> lane(rules::Lane number);
  std::string queue_of(rules::Lane number);

  // operate.cc
  struct Verb;
  Result<Changed> operate(const Selection& which, const RequestId& request, const Verb& verb);
  Result<std::vector<std::optional<rules::JobKey>>> resolve(std::span<const JobId> ids);

  // run.cc
  Result<Page<RunListed>> list_runs(const RunsQuery& query);
  Result<Page<rules::RunField>> list_fields(const FieldsQuery& query);
  Result<Page<std::string>> list_values(const ValuesQuery& query);
  Result<void> forget_runs(Time now);

  // session.cc, finish.cc
  /// `mode` is turn, close or rescue: scripts/finish.lua says what each may.
  Result<Exchange> finish_as(const FinishCall& call, std::string_view mode, Time now);
  Reserved read_reserved(const Reply& job, Fence fence, bool has_fence);
  Result<void> name_lanes(std::span<Reserved> jobs);
  Result<std::vector<Reserved>> held_as(const SessionId& session, Call call, std::string_view mode,
                                        std::size_t most);
  /// False: the session still holds jobs.
  Result<bool> leave(SessionNumber session, std::string_view nonce, Time now);
  Result<std::int64_t> give_back(const SessionId& session, Call call, std::string_view mode,
                                 std::span<const Reserved> jobs, const rules::Outcome& outcome,
                                 const Retention& retention, Time now);

  // job_read.cc, scan.cc, read.cc
  struct Found {
    std::optional<Job> job = {};
    bool gone = false;  ///< There is none any more; else there never was.
  };
  /// One for each key.
  Result<std::vector<Found>> read_jobs(std::span<const rules::JobKey> where);
  struct LaneScan;
  Result<std::vector<LaneScan>> scan_lanes(const Filter& filter, std::size_t most_jobs);
  Result<std::vector<rules::JobKey>> select(const Filter& filter, std::string& next_cursor);
  Result<Page<Job>> list_jobs(const Filter& filter);
  Result<Page<LogLine>> list_logs(const LogQuery& query);
  Result<Page<Queue>> list_queues();
  Result<Page<WorkerRecord>> list_sessions();
  Result<std::vector<std::string>> queue_names();

  // tend.cc
  Result<void> prune_state(JobState state, const Keep* keep, Time before, Time now,
                           std::size_t& left, Step& into);
  Result<void> tidy(Time now);

  // wait.cc
  [[nodiscard]] std::vector<std::string> what_to_block_on(const WaitFor& what) const;
  Result<void> block_on(std::vector<std::string> words, std::chrono::milliseconds most);
  Result<void> stop_blocking();
  Result<Woken> wait_in_vain(const Result<void>& failed, SteadyTime deadline, int ring);

  std::shared_ptr<Namespace> space_;
  std::unique_ptr<Connection> connection_;
  std::unique_ptr<Connection> blocking_;  // Opened with the first wait.
  std::vector<std::string> blocked_on_;   // The words that blocking_ has sent and not heard of.
  std::optional<rules::IdMint> mint_;
  std::map<rules::Lane, LaneRow> lanes_;
  std::string run_id_ = {};     // Of the server that we have greeted last.
  bool lanes_are_old_ = false;  // Another run may have forgotten some, and given out their numbers.
  rules::Lane last_tidied_{};
  std::optional<bool> syncs_always_;  // appendfsync of the server we are connected to.
  // Sessions that have beaten over this connection: false once they were found dead.
  std::map<std::pair<SessionNumber, std::string>, bool> lives_;
};

/// What a negative number of a script means: -1 is the first code of Errc, and so on.
Errc errc_of(std::int64_t answer);
/// The number that a script's reply begins with.
std::int64_t answer_of(const Reply& reply);

}  // namespace penstock::redis
