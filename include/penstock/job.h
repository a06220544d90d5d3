// SPDX-License-Identifier: MIT
//
// The vocabulary of a job: its id, its states, what a submitter may ask for and what a reader gets
// back. Plain values; payloads and results are JSON text here, and reach a user's types through
// codec.h. How a job moves between its states: docs/state_machine.md.
#pragma once

#include <penstock/clock.h>
#include <penstock/result.h>

#include <compare>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace penstock {

/// Names one job for ever: a UUID made by the engine, or the submitter's own id.
struct JobId {
  std::string text = {};
  friend auto operator<=>(const JobId&, const JobId&) = default;
};

/// The states of a job. The names are the wire spelling.
enum class JobState : std::uint8_t {
  waiting,    ///< For parents or a gate.
  scheduled,  ///< For a time: a delay, or a retry (then `attempt` > 0).
  ready,      ///< For a worker.
  running,    ///< Held by a session.
  succeeded,
  failed,
  cancelled,
};

/// A number that grows with every reservation of a job. A foreign system that remembers the largest
/// fence it has seen can refuse a worker that was declared dead and still writes.
enum class Fence : std::uint64_t {};

/// How long to wait before attempt n + 1.
struct Backoff {
  enum class Kind : std::uint8_t { none, fixed, linear, exponential };
  Kind kind = Kind::exponential;
  Duration first{1000};  ///< Delay after the first failure.
  Duration cap{60'000};  ///< No delay is longer, jitter aside.
  double jitter = 0.1;   ///< Each delay is moved by up to this share, up or down; 0..1.
  friend bool operator==(const Backoff&, const Backoff&) = default;
};

/// At most one live job per key. Until the holder has ended, and with `hold` at least that long
/// after the submit.
struct Unique {
  std::string key = {};
  std::optional<Duration> hold = {};
  friend bool operator==(const Unique&, const Unique&) = default;
};

/// How safe a submit has to be before it is answered. The answer names the level that was reached;
/// one that was not reached is no error.
struct Ack {
  enum class Level : std::uint8_t { received, fsynced, replicated };
  Level level = Level::received;
  int replicas = 0;  ///< For replicated: how many replicas.
  static const Ack received;
  static const Ack fsynced;
  friend bool operator==(const Ack&, const Ack&) = default;
};
inline constexpr Ack Ack::received{};
inline constexpr Ack Ack::fsynced{Ack::Level::fsynced, 0};

/// What a submitter may ask for. Options that are not set are not stored: whoever decides takes the
/// job's own, else the task's, else the default.
struct SubmitOptions {
  std::string queue = "default";
  std::string pool = {};  ///< Only workers of this pool take it; empty: workers without a pool.
  std::string id = {};    ///< The caller's own id: 1-64 of [A-Za-z0-9._:-].
  int priority = 5;       ///< 0..10, larger runs first.
  std::optional<int> max_attempts = {};
  std::optional<Backoff> backoff = {};
  std::variant<std::monostate, Duration, Time> start = {};  ///< At once, after a delay, or at.
  std::optional<Duration> retry_for = {};   ///< No retry starts later than this after the submit.
  std::optional<Duration> timeout = {};     ///< Of each attempt.
  std::optional<Duration> expires = {};     ///< Cancelled unless it has started by then.
  std::optional<Duration> result_ttl = {};  ///< How long the ended job is remembered.
  std::string idempotency_key = {};         ///< The same key within 24 h answers with the same job.
  bool keep_full = false;                   ///< Keep payload and tags after success.
  std::optional<Unique> unique = {};
  std::string fair_key = {};
  std::map<std::string, std::string> tags = {};
  Ack ack = Ack::received;
};

/// One job to submit: the payload is JSON text.
struct JobSpec {
  std::string task = {};
  std::string payload = "null";
  SubmitOptions options = {};
};

/// The answer to one submitted job.
struct Submitted {
  JobId id = {};
  bool duplicate = false;           ///< A known unique key, own id or idempotency key: nothing new.
  Ack reached = Ack::received;      ///< The durability level that was reached.
  std::optional<Error> error = {};  ///< This job was refused; the others of the batch were not.
};

/// A job as a reader sees it. Times are UTC; text fields that do not apply are empty.
struct Job {
  JobId id = {};
  std::string task = {}, queue = {}, pool = {};
  int priority = 5;
  JobState state = JobState::ready;
  int attempt = 0;  ///< Attempts that began and were neither given back nor crashed.
  int max_attempts = 3;
  int crashes = 0;                          ///< How often its worker died while it ran.
  std::optional<std::string> payload = {};  ///< JSON text; none after success unless kept.
  std::optional<std::string> result = {};   ///< JSON text.
  std::string error = {};
  double progress = 0;  ///< 0..1.
  std::string progress_message = {};
  std::map<std::string, std::string> tags = {};
  std::string worker = {};  ///< Runs it, or ran it last.
  std::string run = {};     ///< In a handler: the run that it is a step of.
  std::string node = {};    ///< In a handler: its place in that run, such as load#1 or each#1[7].
  std::string unique_key = {};
  Time created_at{};
  std::optional<Time> scheduled_at = {}, started_at = {}, finished_at = {}, expires_at = {};
};

/// Which jobs a list or a bulk verb means. All conditions must hold.
struct Filter {
  std::optional<JobState> state = {};
  std::string queue = {}, task = {};
  std::optional<std::pair<std::string, std::string>> tag = {};
  int limit = 20;           ///< 1..1000.
  std::string cursor = {};  ///< `next_cursor` of the page before; empty: from the newest.
};

/// One page of a list. It may be empty and still have a next cursor: filters look at a bounded
/// number of jobs per call.
template <class T>
struct Page {
  std::vector<T> items = {};
  std::string next_cursor = {};  ///< Empty: this was the last page.
};

/// A queue as a reader sees it.
struct Queue {
  std::string queue = {};
  std::int64_t ready = 0, scheduled = 0, running = 0, waiting = 0, failed = 0;
  bool paused = false;    ///< Nothing is handed out.
  bool draining = false;  ///< Submits are refused, the rest is worked off.
  Duration oldest_ready{0};
};

/// A worker process as a reader sees it.
struct WorkerRecord {
  std::string worker = {};
  std::uint64_t session = 0;
  std::uint64_t beat = 0;  ///< Moves while it lives.
  std::string host = {};
  int pid = 0;
  std::string state = {};  ///< starting, running, quiet or draining.
  std::vector<std::string> pools = {}, queues = {}, tasks = {};
  int concurrency = 0, running = 0;
  std::int64_t tasks_processed = 0, tasks_failed = 0, rss_bytes = 0;
  std::string tally = {};  ///< JSON: ends, waiting and running times by queue and task; or empty.
  Duration uptime{0};
  Time last_seen_at{};
};

/// One log line of a job.
struct LogLine {
  std::int64_t number = 0;  ///< From 1, within the job.
  Time at{};
  int attempt = 0;
  std::string text = {};
};

}  // namespace penstock

template <>
struct std::hash<penstock::JobId> {
  std::size_t operator()(const penstock::JobId& id) const noexcept {
    return std::hash<std::string>{}(id.text);
  }
};
