// SPDX-License-Identifier: MIT
//
// The seam: everything the engine asks of a store, in twenty-one verbs (one more comes with
// schedules). Each verb is one atomic step or a bounded number of them; each has a twin in every
// store and a group of the same name in the conformance suite (tests/store). A store remembers and
// refuses; it decides nothing that src/rules decides.
//
// A call that answers `unavailable` may or may not have taken effect. That is why every call that
// changes something carries a number: producers and operators a RequestId (the same id again gets
// the first answer again), sessions a Call that must grow (after an unanswered call, ask `held`).
//
// A Store is one connection: not thread-safe, but `another()` gives a second one for another
// thread.
#pragma once

#include "rules/admission.h"
#include "rules/transition.h"

#include <penstock/client.h>

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace penstock {

/// A worker process's session. Numbers only grow; fences come from the same counter.
enum class SessionNumber : std::uint64_t {};
/// Number of a call within its session or producer. Grows; a lower or equal one is refused.
enum class Call : std::uint64_t {};
/// What a waiter had seen before it looked, so that nothing that came in between is missed.
enum class Bell : std::uint64_t {};

/// Names one changing call of a producer or operator for ever. `nonce` is random, at least 64 bits.
struct RequestId {
  std::string nonce = {};
  Call call{};
};

struct SubmitCall {
  RequestId request = {};
  Ack ack = Ack::received;
  std::span<const rules::NewJob> jobs = {};  ///< At most 250 jobs and 1 MiB; one job may be larger.
};

/// A change of runs from outside: start, answer, cancel, retry, fork. All of it or nothing.
struct SignalCall {
  RequestId request = {};
  std::span<const rules::RunChange> runs = {};
};
/// What became of it. A conflict is remembered like a success: ask again under another request.
struct Signalled {
  std::vector<rules::RunConflict> conflicts = {};  ///< One for each run that was not as expected.
};

/// Which jobs an operator means: ids (at most 250), or one bounded step of a filter.
struct Selection {
  std::vector<JobId> ids = {};
  std::optional<Filter> filter = {};
  bool nodes = false;    ///< Jobs of runs too; otherwise they are refused (conflict).
  bool running = false;  ///< cancel: only what runs; the rest is refused (conflict).
};

struct QueueSetting {
  std::string queue = {};
  std::optional<bool> paused = {}, draining = {};
};
/// What a worker is told with the answer to its next beat.
using Order = WorkerOrder;
struct SessionSetting {
  SessionNumber session{};
  Order order = Order::run;
};
using Setting = std::variant<QueueSetting, SessionSetting>;

/// What a worker process says of itself when it opens a session.
struct WorkerProfile {
  std::string worker = {}, host = {};
  int pid = 0;
  std::vector<std::string> queues = {}, pools = {}, tasks = {};
  int concurrency = 0;
};

struct SessionId {
  SessionNumber number{};
  std::string nonce = {};
};

/// What travels with a beat.
struct Vitals {
  enum class State : std::uint8_t { starting, running, quiet, draining };
  State state = State::running;
  int running = 0;
  std::int64_t processed = 0, failed = 0, rss_bytes = 0;
  std::string tally = {};  ///< rules::Tally as JSON; empty: the same as before.
};

struct Watched {
  SessionNumber session{};
  std::uint64_t beat = 0;
  bool retired = false;  ///< Declared dead, but not all of its jobs are given back yet.
};

/// The answer to a beat.
struct Orders {
  bool alive = true;  ///< False: the session was retired; nothing it holds is its own any more.
  std::int64_t held = 0;
  std::vector<rules::JobKey> cancels = {};  ///< Repeated with every beat until the job has ended.
  bool work_waiting = false;
  std::optional<Time> next_due = {};
  SessionNumber upkeep{};  ///< Holds the upkeep lease.
  std::vector<Watched> watch = {};
  Order order = Order::run;
  // For the holder of the lease: when there may be something to prune.
  Bell news{};                            ///< Moves with everything that happens.
  std::optional<Time> oldest_ended = {};  ///< Until when the next ended job is kept.
};

/// What a session would take. Lanes are the queues in this order, each with these pools.
struct Want {
  std::vector<std::string> queues = {};
  std::vector<std::string> pools = {};  ///< Empty: only jobs without a pool.
  std::size_t jobs = 0;
  bool holds_nothing = false;  ///< Then it may be given a poison suspect.
};

/// A job in the hands of a session.
struct Reserved {
  rules::JobKey key = {};
  JobId id = {};
  Fence fence{};
  std::string task = {}, queue = {}, pool = {}, payload = {};
  int priority = 5;
  int attempt = 1;  ///< Counts the attempt that begins now.
  int crashes = 0, misses = 0;
  std::string own = {};   ///< rules::read_options
  std::string tags = {};  ///< rules::read_string_map, or empty
  /// The `state` field of its run when it was taken; empty: of none, or not known.
  std::string run_state = {};
  std::optional<Time> run_until = {};  ///< When its run is to have ended, as known then.
  Time created_at{};
  bool alone = false;  ///< Nothing may run beside it in its session.
};

struct FinishCall {
  SessionId session = {};
  Call call{};
  std::span<const rules::Transition> transitions = {};
  std::optional<Want> want = {};
};

struct Exchange {
  std::vector<bool> accepted = {};  ///< One for each transition; false: the attempt is not ours.
  /// By transition: its attempt is ours and stays so, but its run is not as it expected.
  std::map<std::size_t, std::vector<rules::RunConflict>> conflicts = {};
  std::vector<Reserved> jobs = {};
  std::optional<Time> next_due = {};  ///< Of any scheduled job.
  bool alone_waiting = false;         ///< Stop fetching until nothing is held, then ask again.
  Bell seen{};                        ///< For a `wait` for work.
};

/// Progress and log lines of one running job.
struct Note {
  rules::JobKey key = {};
  Fence fence{};
  std::optional<double> progress = {};
  std::string message = {};
  std::vector<LogLine> lines = {};  ///< A line whose number is known already is not repeated.
};

struct WaitFor {
  Bell seen{};
  const Want* work = nullptr;  ///< Something may have become ready in these queues and pools.
  bool events = false;         ///< The event stream has grown; not together with the others.
  bool due = false;            ///< Something was scheduled, maybe earlier than all before.
};
enum class Woken : std::uint8_t { store, ring, deadline };

/// Wakes one `wait` from another thread. Made by the store it belongs to.
class Ring {
 public:
  virtual ~Ring() = default;
  virtual void ring() = 0;
};

/// What one bounded step may touch.
struct Budget {
  std::size_t jobs = 250;
  std::size_t bytes = 1 << 20;
};

struct Step {
  std::int64_t done = 0;
  bool more = false;  ///< The budget ended before the work.
  std::optional<Time> next_due = {};
  Changed changed = {};  ///< Of a promote of given jobs.
};

/// What to promote: all that is due, or given jobs now.
struct Due {
  std::optional<Selection> chosen = {};
  RequestId request = {};  ///< For chosen jobs.
};

struct Death {
  std::string certificate = {};  ///< What is known: "signal 9, peak 12 MiB, last line: ...".
  Retention retention = {};
};

/// What may go: everything past its bounds, or (an operator's wish) one state past an age.
struct PruneCall {
  Retention retention = {};
  std::optional<JobState> state = {};
  Duration older_than{0};
};

struct QueueRef {
  std::string queue = {};
};
using Ref = std::variant<JobId, QueueRef, SessionNumber>;
using Record = std::variant<Job, Queue, WorkerRecord>;

/// A run in a list, with what its fields of these names hold.
struct RunListed {
  std::string run = {};
  std::string state = {}, flow = {};
  std::string cursor = {};  ///< Of the page that begins behind it.
};

struct LogQuery {
  JobId id = {};
  std::string cursor = {};
  int limit = 1000;
};
struct QueuesQuery {};
struct SessionsQuery {};
/// Runs, newest first.
struct RunsQuery {
  std::string cursor = {};
  int limit = 20;
};
/// Fields of a run: the named ones, or all that begin with `prefix`, in no order. A page may be
/// empty, and a field come twice, while it changes.
struct FieldsQuery {
  std::string run = {};
  std::vector<std::string> names = {};  ///< At most 1,000, of one moment; those that exist.
  std::string prefix = {};
  std::string cursor = {};
  int limit = 1000;
};
/// Values of a list of a run, from a place on; the cursor is the next place.
struct ValuesQuery {
  std::string run = {}, list = {};
  std::string cursor = {};
  int limit = 1000;
};
using Query =
    std::variant<Filter, LogQuery, QueuesQuery, SessionsQuery, RunsQuery, FieldsQuery, ValuesQuery>;
using Listing = std::variant<Page<Job>, Page<LogLine>, Page<Queue>, Page<WorkerRecord>,
                             Page<RunListed>, Page<rules::RunField>, Page<std::string>>;

/// Kept counters of one queue, or of all (empty name).
struct CountQuery {
  std::string queue = {};
};
struct Counts {
  std::array<std::int64_t, 7> jobs{};  ///< By JobState.
  std::int64_t submitted = 0;          ///< Ever.
  [[nodiscard]] std::int64_t of(JobState state) const {
    return jobs[static_cast<std::size_t>(state)];
  }
};

struct EventQuery {
  std::string after = {};  ///< Position; empty: from now on.
  int limit = 256;         ///< Entries looked at; one entry may hold many events.
};
struct EventPage {
  std::vector<Event> events = {};
  std::string next = {};  ///< Position to go on from.
  bool reset = false;     ///< `after` is older than the stream: some events are gone.
  Bell seen{};
};

class Store {
 public:
  virtual ~Store() = default;

  // Produce and operate.

  /// All jobs of the call or none; answers in order. A job that is refused (its queue drains, its
  /// idempotency key was used with another body) has its own error. First answer again for a known
  /// request; conflict for a lower call number of the same nonce.
  virtual Result<std::vector<Submitted>> submit(const SubmitCall& call) = 0;
  /// What waits ends at once; what runs is marked, and its session told with its next beat.
  /// Refusals: not_found, gone, conflict (ended).
  virtual Result<Changed> cancel(const Selection& which, const RequestId& request) = 0;
  /// Failed and cancelled jobs become ready, with attempts and crashes counted anew.
  virtual Result<Changed> retry(const Selection& which, const RequestId& request) = 0;
  /// Forgets jobs that do not run.
  virtual Result<Changed> remove(const Selection& which, const RequestId& request) = 0;
  /// Applies changes of runs that no job's end carries, of each run one. Same request, same answer.
  virtual Result<Signalled> signal(const SignalCall& call) = 0;
  /// Errors: not_found (session). Same request, same answer.
  virtual Result<void> configure(const Setting& setting, const RequestId& request) = 0;

  // A session.

  virtual Result<SessionId> open(const WorkerProfile& profile) = 0;
  /// One beat. Needs no call number: it may be repeated.
  virtual Result<Orders> extend(const SessionId& session, const Vitals& vitals) = 0;
  /// Ends attempts and takes new jobs in one step. A transition whose runs are not as it expects
  /// changes nothing and is told in `conflicts`; the others are applied. Errors: lease_lost (the
  /// session was retired), conflict (the call number does not grow).
  virtual Result<Exchange> finish(const FinishCall& call) = 0;
  /// Fences off every call below `call` and answers what the session holds.
  virtual Result<std::vector<Reserved>> held(const SessionId& session, Call call) = 0;
  /// Errors: lease_lost when one of the notes was not the owner's; the others are written.
  virtual Result<void> note(const SessionId& session, std::span<const Note> notes) = 0;
  /// Gives back what is left, without using an attempt, and ends the session.
  virtual Result<void> close(const SessionId& session, Call call) = 0;
  /// Blocks until what is waited for may have happened, `ring` was rung, or `deadline`.
  virtual Result<Woken> wait(const WaitFor& what, SteadyTime deadline, Ring& ring) = 0;

  // Tend.

  virtual Result<Step> promote(const Due& due, Time now, const Budget& budget) = 0;
  /// Declares a session dead, unless its beat is not `seen` any more, and gives back its jobs with
  /// a crash each. A session that is retired already goes on whatever its beat.
  virtual Result<Step> rescue(SessionNumber session, std::uint64_t seen, const Death& death,
                              Time now, const Budget& budget) = 0;
  virtual Result<Step> prune(const PruneCall& call, Time now, const Budget& budget) = 0;

  // Read.

  /// Nothing: there never was such a thing. Errors: gone (retention or remove took the job).
  virtual Result<std::optional<Record>> find(const Ref& ref) = 0;
  virtual Result<Listing> list(const Query& query) = 0;
  virtual Result<Counts> count(const CountQuery& query) = 0;
  virtual Result<EventPage> events(const EventQuery& query) = 0;
  virtual Result<Health> check() = 0;

  // Not verbs.

  /// A second connection to the same store, for another thread.
  virtual Result<std::unique_ptr<Store>> another() = 0;
  virtual std::unique_ptr<Ring> make_ring() = 0;
  /// Calendar time of the store; every verb that takes no `now` uses it.
  virtual Clock& clock() = 0;
  /// The URL without its password.
  [[nodiscard]] virtual const std::string& name() const = 0;
};

}  // namespace penstock
