// SPDX-License-Identifier: MIT
#include "store/sqlite/write_step.h"

#include "rules/check.h"
#include "rules/job_state.h"
#include "store/sqlite/large_text.h"

namespace penstock::sqlite {
namespace {

constexpr std::int64_t rescued_place =
    -(1LL << 61);                                   // + sequence: in their old order, first of all.
constexpr std::int64_t again_place = -(1LL << 60);  // + counter.

}  // namespace

Result<WriteStep> WriteStep::begin(Connection& connection, Lanes& lanes, LiveFile& live, Time now) {
  if (!live.take_turn()) return to_error(SQLITE_BUSY, {}, connection.path());
  connection.execute("BEGIN IMMEDIATE");
  if (connection.failed()) {
    live.pass_turn();
    return connection.take_error();
  }
  return WriteStep(connection, lanes, live, now);
}

WriteStep::WriteStep(WriteStep&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)),
      lanes_(other.lanes_),
      live_(other.live_),
      now_(other.now_),
      deltas_(std::move(other.deltas_)),
      events_(std::move(other.events_)),
      concerns_(other.concerns_) {}

WriteStep::~WriteStep() {
  if (!connection_) return;
  if (!sqlite3_get_autocommit(connection_->raw())) {
    sqlite3_exec(connection_->raw(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
  lanes_->forget();
  live_->pass_turn();
}

const LaneRow& WriteStep::lane(rules::Lane lane) {
  static const LaneRow unknown;
  const LaneRow* row = lanes_->find(*connection_, lane);
  if (!row) {
    connection_->fail(SQLITE_CORRUPT);
    return unknown;
  }
  return *row;
}

JobRow read_job_row(const Statement& s, const rules::JobKey& key) {
  JobRow job{.key = key};
  job.state = rules::parse_state(s.text(0)).value_or(JobState::failed);
  job.attempt = static_cast<int>(s.integer(1));
  job.crashes = static_cast<int>(s.integer(2));
  job.misses = static_cast<int>(s.integer(3));
  job.session = SessionNumber{static_cast<std::uint64_t>(s.integer(4))};
  job.fence = Fence{static_cast<std::uint64_t>(s.integer(5))};
  job.cancel = s.integer(6) != 0;
  job.created_at_ms = s.integer(7);
  job.task = s.text(8);
  job.unique_key = s.text(9);
  job.own_id = s.text(10);
  job.options = s.text(11);
  job.payload_bytes = s.integer(12);
  job.ended_bytes = s.integer(13);
  job.has_log = s.integer(14) != 0;
  job.has_large_payload = s.integer(15) != 0;
  job.has_large_result = s.integer(16) != 0;
  return job;
}

std::optional<JobRow> WriteStep::job(const rules::JobKey& key) {
  Statement& read =
      connection_->statement("job.row").start(static_cast<std::uint32_t>(key.lane), key.sequence);
  if (!read.row()) return std::nullopt;
  JobRow job = read_job_row(read, key);
  read.end();
  return job;
}

void WriteStep::move(const JobRow& job, const rules::Transition& next, std::string_view worker) {
  CHECK(rules::is_legal(job.state, next.move, next.to));
  const auto lane_number = static_cast<std::uint32_t>(job.key.lane);
  if (next.to == JobState::ready) {
    end_ready(job, next);
  } else if (next.to == JobState::scheduled) {
    connection_->statement("job.schedule")
        .start(lane_number, job.key.sequence, next.attempt, next.misses, *next.due, next.error)
        .run();
    concerns_.due = true;
  } else {
    end_for_good(job, next);
  }
  const std::string& queue = lane(job.key.lane).queue;
  const bool was_ended = rules::is_terminal(job.state);
  counted(queue, job.state, -1, was_ended ? -job.kept_bytes() : 0);
  if (!rules::is_terminal(next.to)) counted(queue, next.to, 1, 0);
  event({.key = job.key,
         .own_id = job.own_id,
         .from = job.state,
         .to = next.to,
         .attempt = next.attempt,
         .task = job.task,
         .worker = worker,
         .message = next.error});
}

void WriteStep::end_ready(const JobRow& job, const rules::Transition& next) {
  // Given back or crashed: to the front, in the old order. Anything else has waited its time
  // already and goes behind those, before what is fresh.
  const std::int64_t place = next.move == rules::Move::give_back
                                 ? rescued_place + static_cast<std::int64_t>(job.key.sequence)
                                 : next_place_again();
  connection_->statement("job.ready")
      .start(static_cast<std::uint32_t>(job.key.lane), job.key.sequence, next.attempt, next.crashes,
             next.misses, place, next.alone, now_, next.error)
      .run();
  concerns_.work = true;
}

void WriteStep::end_for_good(const JobRow& job, const rules::Transition& next) {
  const auto lane_number = static_cast<std::uint32_t>(job.key.lane);
  JobRow ended = job;
  if (next.to == JobState::succeeded) {
    const RowText result(next.result);
    connection_->statement(next.keep_full ? "job.succeed_full" : "job.succeed")
        .start(lane_number, job.key.sequence, next.attempt, now_, *next.keep_until, result.in_row,
               result.large_bytes)
        .run();
    if (result.large_bytes) {
      LargeText{job.key.sequence, LargeText::Which::result}.write(*connection_, next.result);
    }
    ended.ended_bytes = static_cast<std::int64_t>(next.result.size());
    if (!next.keep_full) {
      ended.payload_bytes = 0;
      if (job.has_large_payload) LargeText{job.key.sequence}.remove(*connection_);
    }
  } else {
    connection_->statement("job.end")
        .start(lane_number, job.key.sequence, rules::to_text(next.to), next.attempt, next.crashes,
               now_, *next.keep_until, next.error)
        .run();
    ended.ended_bytes = static_cast<std::int64_t>(next.error.size());
  }
  counted(lane(job.key.lane).queue, next.to, 1, ended.kept_bytes());
  if (!job.unique_key.empty()) {
    connection_->statement("job.free_unique")
        .start(job.unique_key, lane_number, job.key.sequence, now_)
        .run();
  }
}

rules::Policy policy_of(const JobRow& job, const Retention& retention) {
  const auto own = rules::read_options(job.options);
  return rules::effective(own ? *own : rules::OwnOptions{}, {}, retention);
}

void WriteStep::expire(const JobRow& job) {
  move(job,
       rules::cancel_waiting(job.key, job.attempt, job.crashes, policy_of(job), now_,
                             "expired before it started"),
       {});
}

void WriteStep::forget(const JobRow& job) {
  const auto lane_number = static_cast<std::uint32_t>(job.key.lane);
  connection_->statement("operate.forget").start(lane_number, job.key.sequence).run();
  if (job.has_large_payload) LargeText{job.key.sequence}.remove(*connection_);
  if (job.has_large_result) {
    LargeText{job.key.sequence, LargeText::Which::result}.remove(*connection_);
  }
  if (job.has_log) {
    connection_->statement("operate.forget_logs").start(lane_number, job.key.sequence).run();
  }
  if (!job.own_id.empty()) connection_->statement("operate.forget_alias").start(job.own_id).run();
  if (!job.unique_key.empty()) {
    connection_->statement("operate.forget_unique")
        .start(job.unique_key, lane_number, job.key.sequence, now_)
        .run();
  }
  counted(lane(job.key.lane).queue, job.state, -1,
          rules::is_terminal(job.state) ? -job.kept_bytes() : 0);
}

void WriteStep::counted(const std::string& queue, JobState state, std::int64_t jobs,
                        std::int64_t bytes) {
  Delta& delta = deltas_[{queue, state}];
  delta.jobs += jobs;
  delta.bytes += bytes;
}

void WriteStep::event(const JobEvent& event) { append_job_event(events_, event); }

void WriteStep::event_line(std::string_view line) {
  events_ += line;
  events_ += '\n';
}

std::int64_t WriteStep::next_place_again() {
  Statement& take = connection_->statement("meta.next_again").start();
  const std::int64_t place = take.row() ? again_place + take.integer(0) : 0;
  take.end();
  return place;
}

std::uint64_t WriteStep::next_fence() {
  Statement& take = connection_->statement("meta.next_fence").start();
  const auto fence = take.row() ? static_cast<std::uint64_t>(take.integer(0)) : 0;
  take.end();
  return fence;
}

Result<void> WriteStep::commit() {
  for (const auto& [where, delta] : deltas_) {
    if (delta.jobs == 0 && delta.bytes == 0) continue;
    connection_->statement("meta.count")
        .start(where.first, rules::to_text(where.second), delta.jobs, delta.bytes)
        .run();
  }
  if (!events_.empty()) {
    connection_->statement("events.append").start(now_, events_).run();
    concerns_.events = true;
  }
  connection_->execute("COMMIT");
  if (connection_->failed()) {
    Error error = connection_->take_error();
    return error;  // The destructor rolls back and passes the turn on.
  }
  live_->pass_turn();
  live_->announce(concerns_);
  connection_ = nullptr;
  return {};
}

}  // namespace penstock::sqlite
