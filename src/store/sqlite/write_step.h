// SPDX-License-Identifier: MIT
//
// One writing transaction: takes the turn, begins IMMEDIATE, gathers what the step changes, and
// writes counters and the one event entry just before it commits. Whoever moves a job goes through
// `move`, so counters, unique keys and events cannot be forgotten. Destroyed without commit() it
// rolls back.
#pragma once

#include "rules/transition.h"
#include "store/event_text.h"
#include "store/sqlite/connection.h"
#include "store/sqlite/lanes.h"
#include "store/sqlite/live_file.h"
#include "store/store.h"

#include <map>
#include <string>
#include <utility>

namespace penstock::sqlite {

/// The columns of a job that deciding and moving need.
struct JobRow {
  rules::JobKey key = {};
  JobState state = JobState::ready;
  bool has_log = false;
  bool has_large_payload = false, has_large_result = false;  ///< They lie beside the row.
  int attempt = 0, crashes = 0, misses = 0;
  SessionNumber session{};
  Fence fence{};
  bool cancel = false;
  std::int64_t created_at_ms = 0;
  std::string task = {}, unique_key = {}, own_id = {}, options = {};
  std::int64_t payload_bytes = 0, ended_bytes = 0;  ///< Ended: result and error.
  /// What retention counts of an ended job.
  [[nodiscard]] std::int64_t kept_bytes() const { return 100 + payload_bytes + ended_bytes; }
};

class WriteStep {
 public:
  /// Errors: unavailable (another process holds the turn or the lock for 5 s).
  static Result<WriteStep> begin(Connection& connection, Lanes& lanes, LiveFile& live, Time now);
  WriteStep(WriteStep&& other) noexcept;
  WriteStep& operator=(WriteStep&&) = delete;
  ~WriteStep();

  Connection& connection() { return *connection_; }
  [[nodiscard]] Time now() const { return now_; }
  const LaneRow& lane(rules::Lane lane);

  /// The job, or nothing.
  std::optional<JobRow> job(const rules::JobKey& key);
  /// Applies a decision to a job that is running or waiting. REQUIRES: the move is legal.
  void move(const JobRow& job, const rules::Transition& next, std::string_view worker);
  /// Cancels a job that was to start by now.
  void expire(const JobRow& job);
  /// Deletes a job that does not run, and all that hangs on it.
  void forget(const JobRow& job);
  /// A job of this state came into being, or (negative) went.
  void counted(const std::string& queue, JobState state, std::int64_t jobs, std::int64_t bytes);
  /// A job entry of the event stream.
  void event(const JobEvent& event);
  /// Any other entry: type and already separated fields.
  void event_line(std::string_view line);
  /// What becomes ready out of turn: behind all that came back before it, before all fresh jobs.
  std::int64_t next_place_again();
  /// The next number of the counter of sessions and fences.
  std::uint64_t next_fence();
  void concerns_work() { concerns_.work = true; }
  void concerns_due() { concerns_.due = true; }
  Result<void> commit();

 private:
  WriteStep(Connection& connection, Lanes& lanes, LiveFile& live, Time now)
      : connection_(&connection), lanes_(&lanes), live_(&live), now_(now) {}
  void end_ready(const JobRow& job, const rules::Transition& next);
  void end_for_good(const JobRow& job, const rules::Transition& next);

  struct Delta {
    std::int64_t jobs = 0, bytes = 0;
  };
  Connection* connection_;
  Lanes* lanes_;
  LiveFile* live_;
  Time now_;
  std::map<std::pair<std::string, JobState>, Delta> deltas_ = {};
  std::string events_ = {};
  Concerns concerns_;
};

/// What the job's own options and the defaults say.
rules::Policy policy_of(const JobRow& job, const Retention& retention = {});
/// Reads the columns of `job.row` (statements/job.sql) into a JobRow.
JobRow read_job_row(const Statement& statement, const rules::JobKey& key);

}  // namespace penstock::sqlite
