// SPDX-License-Identifier: MIT
#include "rules/transition.h"

#include "rules/backoff.h"
#include "rules/limits.h"

#include <algorithm>

namespace penstock::rules {
namespace {

// Builds the transition of one attempt; one method for each way it can end.
class Decision {
 public:
  Decision(const Attempted& job, const Policy& policy, Time now, double dice)
      : job_(job), policy_(policy), now_(now), dice_(dice) {
    next_.key = job.key;
    next_.fence = job.fence;
    next_.attempt = job.attempt;
    next_.crashes = job.crashes;
    next_.keep_full = policy.keep_full;
    next_.in_run = job.in_run;
  }

  Transition operator()(const Succeeded& s) {
    end(Move::succeed, JobState::succeeded, policy_.keep_succeeded);
    next_.result = s.result;
    return next_;
  }

  Transition operator()(const Failed& f) {
    next_.error = f.error.substr(0, max_error_bytes);
    if (job_.cancel_requested) return cancelled();
    const Duration wait = delay(policy_.backoff, job_.attempt, dice_);
    const bool in_time = !policy_.retry_for || now_ + wait <= job_.created_at + *policy_.retry_for;
    if (!f.retryable || job_.attempt >= policy_.max_attempts || !in_time) return failed();
    return later(wait);
  }

  Transition operator()(const Snoozed& s) {
    next_.attempt = job_.attempt - 1;
    if (job_.cancel_requested) return cancelled();
    return later(s.delay ? std::max(*s.delay, Duration{0})
                         : delay(policy_.backoff, job_.attempt, dice_));
  }

  Transition operator()(const Cancelled& c) {
    next_.error = c.reason.substr(0, max_error_bytes);
    return cancelled();
  }

  // Nobody would tell its run that a step was cancelled: it is taken again, and finds its run over.
  Transition operator()(const Interrupted&) {
    next_.attempt = job_.attempt - 1;
    if (job_.cancel_requested && !job_.in_run) return cancelled();
    return back();
  }

  Transition operator()(const NoSuchTask& n) {
    next_.attempt = job_.attempt - 1;
    if (job_.cancel_requested) return cancelled();
    // A step of a run waits for a worker that has it, however long: whoever restarts or renews the
    // only one does not want every run in flight to fail.
    if (!n.offered && !job_.in_run) {
      next_.error = "no handler" + n.offers;
      return failed();
    }
    if (!n.offered) next_.error = nobody_offers;
    next_.misses = job_.misses + 1;
    const int doublings = std::min(job_.misses, 16);
    return later(std::min(miss_first * (1 << doublings), n.offered ? miss_cap : miss_cap_alone));
  }

  Transition operator()(const Crashed& c) {
    next_.attempt = job_.attempt - 1;
    next_.crashes = job_.crashes + 1;
    next_.error = c.certificate.substr(0, max_error_bytes);
    if (job_.cancel_requested && !job_.in_run) return cancelled();
    // A step of a run is ended by its next worker, which tells the run.
    if (next_.crashes >= default_max_crashes && !job_.in_run) return failed();
    back();
    if (c.contained) next_.alone = false;
    return next_;
  }

 private:
  void end(Move move, JobState to, Duration keep) {
    next_.move = move;
    next_.to = to;
    next_.keep_until = now_ + keep;
  }
  Transition failed() {
    end(Move::fail, JobState::failed, policy_.keep_failed);
    return next_;
  }
  Transition cancelled() {
    next_.to = JobState::failed;  // Anything but success.
    return overruled_by_cancel(next_, policy_, now_);
  }
  Transition later(Duration wait) {
    next_.move = Move::retry;
    next_.to = JobState::scheduled;
    next_.due = now_ + wait;
    return next_;
  }
  Transition back() {
    next_.move = Move::give_back;
    next_.to = JobState::ready;
    next_.alone = is_suspect(next_.crashes);
    return next_;
  }

  const Attempted& job_;
  const Policy& policy_;
  const Time now_;
  const double dice_;
  Transition next_;
};

}  // namespace

Transition decide(const Attempted& job, const Outcome& outcome, const Policy& policy, Time now,
                  double dice) {
  return std::visit(Decision(job, policy, now, dice), outcome);
}

Transition overruled_by_cancel(Transition decided, const Policy& policy, Time now) {
  if (decided.to == JobState::succeeded || decided.to == JobState::cancelled) return decided;
  if (decided.in_run && !is_terminal(decided.to)) return decided;
  decided.move = Move::cancel;
  decided.to = JobState::cancelled;
  decided.due.reset();
  decided.keep_until = now + policy.keep_succeeded;
  if (decided.error.empty()) decided.error = "cancelled while it ran";
  decided.alone = false;
  return decided;
}

bool is_suspect(int crashes) { return crashes + 1 >= default_max_crashes; }

Transition cancel_waiting(const JobKey& key, int attempt, int crashes, const Policy& policy,
                          Time now, std::string why) {
  Transition next{.key = key, .move = Move::cancel, .to = JobState::cancelled};
  next.attempt = attempt;
  next.crashes = crashes;
  next.keep_until = now + policy.keep_succeeded;
  next.error = std::move(why);
  return next;
}

Transition promote_scheduled(const JobKey& key, int attempt, int crashes, int misses) {
  Transition next{.key = key, .move = Move::promote, .to = JobState::ready};
  next.attempt = attempt;
  next.crashes = crashes;
  next.misses = misses;
  next.alone = is_suspect(crashes);
  return next;
}

Transition revive(const JobKey& key) {
  return {.key = key, .move = Move::revive, .to = JobState::ready};
}

}  // namespace penstock::rules
