// SPDX-License-Identifier: MIT
#include "rules/transition.h"

#include "rules/limits.h"

#include <gtest/gtest.h>

namespace penstock::rules {
namespace {

using namespace std::chrono_literals;

constexpr Time now{1'000'000ms};

Policy policy() {
  Policy one;
  one.max_attempts = 3;
  one.backoff = {.kind = Backoff::Kind::fixed, .first = 5s, .jitter = 0};
  one.keep_succeeded = 1h;
  one.keep_failed = 2h;
  return one;
}

Attempted attempt(int number, int crashes = 0) {
  Attempted one{.key = {.lane = Lane{2}, .sequence = 7},
                .fence = Fence{9},
                .attempt = number,
                .crashes = crashes};
  one.created_at = now - 10s;
  return one;
}

struct Row {
  const char* what;
  int attempt;
  int crashes;
  Outcome outcome;
  Move move;
  JobState to;
  int attempt_after;
  int crashes_after;
};

const Row rows[] = {
    {"success", 1, 0, Succeeded{"1"}, Move::succeed, JobState::succeeded, 1, 0},
    {"success after crashes", 3, 2, Succeeded{"1"}, Move::succeed, JobState::succeeded, 3, 2},
    {"first failure", 1, 0, Failed{"e"}, Move::retry, JobState::scheduled, 1, 0},
    {"failure before the last", 2, 0, Failed{"e"}, Move::retry, JobState::scheduled, 2, 0},
    {"last failure", 3, 0, Failed{"e"}, Move::fail, JobState::failed, 3, 0},
    {"failure beyond the last", 4, 0, Failed{"e"}, Move::fail, JobState::failed, 4, 0},
    {"failure that no retry helps", 1, 0, Failed{"e", false}, Move::fail, JobState::failed, 1, 0},
    {"snooze", 2, 1, Snoozed{1min}, Move::retry, JobState::scheduled, 1, 1},
    {"own cancel", 1, 0, Cancelled{"why"}, Move::cancel, JobState::cancelled, 1, 0},
    {"hand back", 1, 0, Interrupted{}, Move::give_back, JobState::ready, 0, 0},
    {"no handler, offered", 1, 0, NoSuchTask{true, ""}, Move::retry, JobState::scheduled, 0, 0},
    {"no handler anywhere", 1, 0, NoSuchTask{false, ""}, Move::fail, JobState::failed, 0, 0},
    {"first crash", 1, 0, Crashed{"c"}, Move::give_back, JobState::ready, 0, 1},
    {"second crash", 2, 1, Crashed{"c"}, Move::give_back, JobState::ready, 1, 2},
    {"third crash", 1, 2, Crashed{"c"}, Move::fail, JobState::failed, 0, 3},
};

TEST(Decide, LeadsWhereTheTableSays) {
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    const Transition next =
        decide(attempt(row.attempt, row.crashes), row.outcome, policy(), now, 0.5);
    EXPECT_EQ(next.move, row.move);
    EXPECT_EQ(next.to, row.to);
    EXPECT_EQ(next.attempt, row.attempt_after);
    EXPECT_EQ(next.crashes, row.crashes_after);
    EXPECT_TRUE(is_legal(JobState::running, next.move, next.to));
    EXPECT_EQ(next.key.sequence, 7U);
    EXPECT_EQ(next.fence, Fence{9});
    EXPECT_EQ(next.due.has_value(), next.to == JobState::scheduled);
    EXPECT_EQ(next.keep_until.has_value(), is_terminal(next.to));
  }
}

TEST(Decide, CancelRequestWinsOverEverythingButSuccess) {
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    Attempted asked = attempt(row.attempt, row.crashes);
    asked.cancel_requested = true;
    const Transition next = decide(asked, row.outcome, policy(), now, 0.5);
    const bool succeeded = row.to == JobState::succeeded;
    EXPECT_EQ(next.to, succeeded ? JobState::succeeded : JobState::cancelled);
    EXPECT_EQ(next.crashes, row.crashes_after);
    EXPECT_EQ(next.due, std::nullopt);
    EXPECT_EQ(next.keep_until, now + 1h);
    EXPECT_EQ(next.error.empty(), succeeded);
  }
}

TEST(Decide, ARequestThatCameTooLateForTheDecisionStillWins) {
  for (const Row& row : rows) {
    SCOPED_TRACE(row.what);
    const Transition decided =
        decide(attempt(row.attempt, row.crashes), row.outcome, policy(), now, 0.5);
    const Transition next = overruled_by_cancel(decided, policy(), now);
    const bool succeeded = row.to == JobState::succeeded;
    EXPECT_EQ(next.to, succeeded ? JobState::succeeded : JobState::cancelled);
    EXPECT_EQ(next.attempt, decided.attempt);
    EXPECT_EQ(next.due, std::nullopt);
    EXPECT_EQ(next.keep_until, now + 1h);
  }
}

TEST(Decide, AStepOfARunThatGoesOnIsEndedByItsRunAndByNoCancel) {
  Attempted step = attempt(1);
  step.in_run = true;
  for (const Outcome& outcome :
       {Outcome(Snoozed{}), Outcome(Interrupted{}), Outcome(Crashed{"c"}), Outcome(Failed{"e"})}) {
    const Transition decided = decide(step, outcome, policy(), now, 0.5);
    EXPECT_FALSE(is_terminal(decided.to));
    EXPECT_EQ(overruled_by_cancel(decided, policy(), now).to, decided.to);
  }
  step.cancel_requested = true;
  EXPECT_EQ(decide(step, Interrupted{}, policy(), now, 0.5).to, JobState::ready);
  EXPECT_EQ(decide(step, Crashed{"c"}, policy(), now, 0.5).to, JobState::ready);
  // Its worker tells the run of these.
  EXPECT_EQ(decide(step, Snoozed{}, policy(), now, 0.5).to, JobState::cancelled);
  EXPECT_EQ(decide(step, Failed{"e"}, policy(), now, 0.5).to, JobState::cancelled);
}

TEST(Decide, RetryWaitsAsLongAsTheBackoffSays) {
  EXPECT_EQ(decide(attempt(1), Failed{"e"}, policy(), now, 0.5).due, now + 5s);
  EXPECT_EQ(decide(attempt(1), Snoozed{7s}, policy(), now, 0.5).due, now + 7s);
  EXPECT_EQ(decide(attempt(1), Snoozed{-7s}, policy(), now, 0.5).due, now);
  EXPECT_EQ(decide(attempt(1), Snoozed{}, policy(), now, 0.5).due,
            decide(attempt(1), Failed{"x"}, policy(), now, 0.5).due);
}

TEST(Decide, NoRetryStartsAfterRetryFor) {
  Policy limited = policy();
  limited.retry_for = 15s;
  EXPECT_EQ(decide(attempt(1), Failed{"e"}, limited, now, 0.5).to, JobState::scheduled);
  limited.retry_for = 15s - 1ms;
  EXPECT_EQ(decide(attempt(1), Failed{"e"}, limited, now, 0.5).to, JobState::failed);
}

TEST(Decide, AStepOfARunWaitsForAWorkerThatHasItWhoeverIsThere) {
  Attempted step = attempt(1);
  EXPECT_EQ(decide(step, NoSuchTask{false, ""}, policy(), now, 0.5).to, JobState::failed);
  step.in_run = true;
  step.misses = 1000;
  const Transition next = decide(step, NoSuchTask{false, ""}, policy(), now, 0.5);
  EXPECT_EQ(next.to, JobState::scheduled);
  EXPECT_EQ(next.due, now + 5s);
}

TEST(Decide, MissesDoubleTheirPauseUntilTheCap) {
  Attempted missed = attempt(1);
  const Duration pauses[] = {100ms, 200ms, 400ms, 800ms, 1000ms, 1000ms};
  for (int misses = 0; misses < 6; ++misses) {
    missed.misses = misses;
    const Transition next = decide(missed, NoSuchTask{true, ""}, policy(), now, 0.5);
    EXPECT_EQ(next.due, now + pauses[misses]);
    EXPECT_EQ(next.misses, misses + 1);
  }
  missed.misses = 1000;
  EXPECT_EQ(decide(missed, NoSuchTask{true, ""}, policy(), now, 0.5).due, now + 1s);
  EXPECT_EQ(decide(missed, Failed{"e"}, policy(), now, 0.5).misses, 0);
}

TEST(Decide, AJobWhoseNextCrashIsItsLastRunsAloneWheneverItComesBack) {
  EXPECT_FALSE(is_suspect(0));
  EXPECT_FALSE(is_suspect(1));
  EXPECT_TRUE(is_suspect(2));
  EXPECT_FALSE(decide(attempt(1), Crashed{}, policy(), now, 0.5).alone);
  EXPECT_TRUE(decide(attempt(1, 1), Crashed{}, policy(), now, 0.5).alone);
  EXPECT_FALSE(decide(attempt(1, 1), Crashed{"c", true}, policy(), now, 0.5).alone)
      << "its worker outlived it";
  EXPECT_TRUE(decide(attempt(1, 2), Interrupted{}, policy(), now, 0.5).alone);
  EXPECT_FALSE(decide(attempt(1, 1), Interrupted{}, policy(), now, 0.5).alone);
  EXPECT_TRUE(promote_scheduled({}, 1, 2, 0).alone);
  EXPECT_FALSE(promote_scheduled({}, 1, 1, 0).alone);
  EXPECT_FALSE(revive({}).alone);
}

TEST(Decide, ErrorsAreCutToTheirLimit) {
  const std::string text(20'000, 'x');
  EXPECT_EQ(decide(attempt(1), Failed{text}, policy(), now, 0.5).error.size(), max_error_bytes);
  EXPECT_EQ(decide(attempt(1), Crashed{text}, policy(), now, 0.5).error.size(), max_error_bytes);
}

TEST(Decide, KeepsByOutcome) {
  EXPECT_EQ(decide(attempt(1), Succeeded{}, policy(), now, 0.5).keep_until, now + 1h);
  EXPECT_EQ(decide(attempt(3), Failed{}, policy(), now, 0.5).keep_until, now + 2h);
  const Transition waiting = cancel_waiting({}, 1, 2, policy(), now, "why");
  EXPECT_EQ(waiting.keep_until, now + 1h);
  EXPECT_EQ(waiting.attempt, 1);
  EXPECT_EQ(waiting.crashes, 2);
  EXPECT_EQ(waiting.error, "why");
}

TEST(Decide, RevivedJobIsCountedAnew) {
  const Transition next = revive({.lane = Lane{1}, .sequence = 3});
  EXPECT_EQ(next.attempt, 0);
  EXPECT_EQ(next.crashes, 0);
  EXPECT_EQ(next.misses, 0);
  EXPECT_EQ(next.to, JobState::ready);
}

}  // namespace
}  // namespace penstock::rules
