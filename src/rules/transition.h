// SPDX-License-Identifier: MIT
//
// The decision at the end of an attempt, as a value. `decide` is pure: what the handler did, what
// the policy says and what time it is go in, the job's next state comes out. A store applies a
// Transition or refuses it; it decides nothing.
#pragma once

#include "rules/id.h"
#include "rules/job_state.h"
#include "rules/options.h"
#include "rules/run_change.h"

#include <string>
#include <variant>
#include <vector>

namespace penstock::rules {

// How an attempt ended.
struct Succeeded {
  std::string result = "null";  // JSON text.
};
struct Failed {
  std::string error;
  bool retryable = true;
};
struct Snoozed {
  std::optional<Duration> delay = {};  // Without it after the job's back-off.
};
struct Cancelled {
  std::string reason;
};
struct Interrupted {};      // Its worker stops, or never started it.
struct NoSuchTask {         // The worker lacks the handler.
  bool offered = false;     // Some live session of the queue and pool has it.
  std::string offers = {};  // Comma-separated names, for the error.
};
struct Crashed {            // The worker process died, or a program that it ran the job in.
  std::string certificate;  // Signal or exit code, peak RSS, last line, as far as known.
  bool contained = false;   // The worker outlived it: the job need not run alone the next time.
};
using Outcome =
    std::variant<Succeeded, Failed, Snoozed, Cancelled, Interrupted, NoSuchTask, Crashed>;

/// The error of a step of a run that was put back because of it.
inline constexpr std::string_view nobody_offers = "no live worker of its queue and pool offers it";

/// What `decide` has to know of the running attempt.
struct Attempted {
  JobKey key;
  Fence fence{};
  int attempt = 1;  ///< Including the running one.
  int crashes = 0;
  int misses = 0;  ///< Times in a row that a worker without the handler took it.
  bool cancel_requested = false;
  bool in_run = false;  ///< Only a step of its run may end it: no crash and no miss does.
  Time created_at{};
};

/// What becomes of a job. Valid only against the attempt that it names.
struct Transition {
  JobKey key;
  Fence fence{};
  Move move = Move::succeed;
  JobState to = JobState::succeeded;
  int attempt = 0, crashes = 0, misses = 0;  ///< The values to store.
  std::optional<Time> due = {};              ///< For scheduled.
  std::optional<Time> keep_until = {};       ///< For ended jobs: when prune may take it.
  std::string result = {};                   ///< JSON text, for succeeded.
  std::string error = {};                    ///< For the others: why.
  bool keep_full = false;                    ///< Keep payload and tags after success.
  bool alone = false;                        ///< A poison suspect: runs alone in its session.
  bool in_run = false;                       ///< A cancel does not end it, if this does not.
  std::vector<RunChange> runs = {};          ///< Applied with it, or none of it is.
};

/// The next state of an attempted job. `dice` in [0, 1) places the back-off's jitter.
/// A cancel request wins over everything but success: what succeeded, succeeded.
Transition decide(const Attempted& job, const Outcome& outcome, const Policy& policy, Time now,
                  double dice);

/// The end of an attempt that was decided before its cancel request was known: what succeeded
/// stays, anything else becomes cancelled.
Transition overruled_by_cancel(Transition decided, const Policy& policy, Time now);

/// True for a job whose next crash would be its last: it runs alone in its session.
bool is_suspect(int crashes);

/// What `job_state` allows on a job that no session holds; `why` is kept as its error.
Transition cancel_waiting(const JobKey& key, int attempt, int crashes, const Policy& policy,
                          Time now, std::string why);
Transition promote_scheduled(const JobKey& key, int attempt, int crashes, int misses);
/// An ended job starts anew, with attempts and crashes counted from zero.
Transition revive(const JobKey& key);

}  // namespace penstock::rules
