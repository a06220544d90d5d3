// SPDX-License-Identifier: MIT
//
// Every verb on a job in every state. What must come of it is read from the table of moves in
// rules/job_state: a move that the table has leads where it says, any other is refused and changes
// nothing.
#include "rules/errc.h"
#include "rules/job_state.h"
#include "tests/store/conformance.h"

#include <map>

namespace penstock::testing {
namespace {

using namespace std::chrono_literals;
using rules::Move;

class Matrix : public StoreConformance {
 protected:
  // A job of its own in `state`, brought there through the seam.
  JobId job_in(JobState state) {
    const std::string task = std::string(rules::to_text(state));
    rules::NewJob job = new_job(clock, task, {.queue = "q"});
    if (state == JobState::scheduled) job = new_job(clock, task, {.queue = "q", .start = 1h});
    if (state == JobState::waiting) job.first = JobState::waiting;
    const JobId id = producer.submit_one(job).id;
    if (state == JobState::cancelled) {
      EXPECT_EQ(producer.cancel(id), "ok");
    }
    if (state == JobState::running || state == JobState::succeeded || state == JobState::failed) {
      held = session.take();
      EXPECT_EQ(held.id, id);
    }
    if (state == JobState::succeeded) {
      EXPECT_TRUE(session.end(held, rules::Succeeded{}));
    }
    if (state == JobState::failed) {
      EXPECT_TRUE(session.end(held, rules::Failed{"x", false}));
    }
    EXPECT_EQ(state_of(*store, id), rules::to_text(state));
    return id;
  }

  // Where a move leads from `from`; nothing when the table does not have it.
  static std::optional<JobState> target(JobState from, Move move) {
    for (const rules::Edge& edge : rules::transitions()) {
      if (edge.from == from && edge.move == move) return edge.to;
    }
    return std::nullopt;
  }

  void forget(const JobId& id) {
    if (state_of(*store, id) == "running") session.exchange({transition(id, Move::fail)}).value();
    if (state_of(*store, id) != "gone") {
      EXPECT_EQ(producer.remove(id), "ok");
    }
  }

  rules::Transition transition(const JobId& id, Move move) {
    static const std::map<Move, JobState> leads_to = {
        {Move::succeed, JobState::succeeded}, {Move::fail, JobState::failed},
        {Move::retry, JobState::scheduled},   {Move::give_back, JobState::ready},
        {Move::cancel, JobState::cancelled},  {Move::reserve, JobState::running},
        {Move::promote, JobState::ready},     {Move::release, JobState::ready},
        {Move::revive, JobState::ready}};
    rules::Transition next{.key = held.key, .fence = held.fence, .move = move};
    if (!(held.id == id)) next.fence = Fence{1};
    next.to = leads_to.at(move);
    next.due = clock.now() + 1min;
    next.keep_until = clock.now() + 1h;
    next.result = "1";
    return next;
  }

  TestSession session{*store, {.queues = {"q"}}};
  Reserved held;
};

INSTANTIATE_STORE_SUITE(Matrix);

TEST_P(Matrix, OperatorVerbsFollowTheTableAndChangeNothingElse) {
  using Verb = std::string (Producer::*)(const JobId&);
  struct Row {
    Verb verb;
    Move move;
  };
  const Row rows[] = {{&Producer::cancel, Move::cancel},
                      {&Producer::retry, Move::revive},
                      {&Producer::promote, Move::promote}};
  for (const JobState state : rules::all_states) {
    for (const Row& row : rows) {
      SCOPED_TRACE(std::string(rules::to_text(row.move)) + " of " +
                   std::string(rules::to_text(state)));
      const JobId id = job_in(state);
      const std::size_t events = all_events(*store).size();
      const std::string before = describe(*store);
      const auto leads_to = target(state, row.move);
      const std::string answer = (producer.*row.verb)(id);
      EXPECT_EQ(answer, leads_to ? "ok" : "conflict");
      if (state == JobState::running) {
        EXPECT_EQ(describe(*store), before);  // Told, not ended.
      } else if (leads_to) {
        EXPECT_EQ(state_of(*store, id), rules::to_text(*leads_to));
        EXPECT_EQ(all_events(*store).size(), events + 1);
      } else {
        EXPECT_EQ(describe(*store), before);
        EXPECT_EQ(all_events(*store).size(), events);
      }
      forget(id);
    }
  }
}

TEST_P(Matrix, RemoveForgetsWhateverDoesNotRun) {
  for (const JobState state : rules::all_states) {
    SCOPED_TRACE(rules::to_text(state));
    const JobId id = job_in(state);
    const bool runs = state == JobState::running;
    EXPECT_EQ(producer.remove(id), runs ? "conflict" : "ok");
    EXPECT_EQ(state_of(*store, id), runs ? "running" : "gone");
    for (const auto verb : {&Producer::cancel, &Producer::retry, &Producer::promote}) {
      if (!runs) {
        EXPECT_EQ((producer.*verb)(id), "gone");
      }
    }
    forget(id);
  }
}

TEST_P(Matrix, ReserveTakesOnlyWhatIsReady) {
  for (const JobState state : rules::all_states) {
    SCOPED_TRACE(rules::to_text(state));
    const JobId id = job_in(state);
    const auto taken = session.reserve(5);
    EXPECT_EQ(taken.size(), state == JobState::ready ? 1U : 0U);
    if (!taken.empty()) held = taken.front();
    forget(id);
  }
}

TEST_P(Matrix, FinishEndsOnlyWhatItsSessionRuns) {
  const Move moves[] = {Move::reserve, Move::succeed, Move::fail,   Move::retry, Move::give_back,
                        Move::promote, Move::release, Move::cancel, Move::revive};
  for (const JobState state : rules::all_states) {
    for (const Move move : moves) {
      SCOPED_TRACE(std::string(rules::to_text(move)) + " of " + std::string(rules::to_text(state)));
      const JobId id = job_in(state);
      const auto leads_to =
          state == JobState::running ? target(state, move) : std::optional<JobState>();
      const std::string before = describe(*store);
      EXPECT_EQ(session.exchange({transition(id, move)}).value().accepted.at(0), !!leads_to);
      if (leads_to) {
        EXPECT_EQ(state_of(*store, id), rules::to_text(*leads_to));
      } else {
        EXPECT_EQ(describe(*store), before);
      }
      forget(id);
    }
  }
}

TEST_P(Matrix, PromoteOfWhatIsDueMovesOnlyTheScheduled) {
  for (const JobState state : rules::all_states) {
    SCOPED_TRACE(rules::to_text(state));
    const JobId id = job_in(state);
    clock.advance(2h);
    const Step step = store->promote({}, clock.now(), {}).value();
    EXPECT_EQ(step.done, state == JobState::scheduled ? 1 : 0);
    EXPECT_EQ(state_of(*store, id),
              rules::to_text(state == JobState::scheduled ? JobState::ready : state));
    forget(id);
  }
}

TEST_P(Matrix, RescueMovesOnlyWhatRuns) {
  for (const JobState state : rules::all_states) {
    SCOPED_TRACE(rules::to_text(state));
    session = TestSession(*store, {.queues = {"q"}});
    const JobId id = job_in(state);
    rescue_all(*store, session.number());
    EXPECT_EQ(state_of(*store, id),
              rules::to_text(state == JobState::running ? JobState::ready : state));
    EXPECT_EQ(find_job(*store, id).crashes, state == JobState::running ? 1 : 0);
    forget(id);
  }
}

TEST_P(Matrix, PruneTakesOnlyWhatHasEnded) {
  for (const JobState state : rules::all_states) {
    SCOPED_TRACE(rules::to_text(state));
    const JobId id = job_in(state);
    clock.advance(24h * 365);
    const Step step = store->prune({}, clock.now(), {}).value();
    EXPECT_EQ(step.done, rules::is_terminal(state) ? 1 : 0);
    EXPECT_EQ(state_of(*store, id),
              rules::is_terminal(state) ? std::string_view("gone") : rules::to_text(state));
    forget(id);
  }
}

TEST_P(Matrix, VerbsOnWhatNeverWasSayNotFound) {
  for (const auto verb :
       {&Producer::cancel, &Producer::retry, &Producer::remove, &Producer::promote}) {
    EXPECT_EQ((producer.*verb)(JobId{"never-heard-of"}), "not_found");
    EXPECT_EQ((producer.*verb)(JobId{"01234567-89ab-4def-8123-456789abcdef"}), "not_found");
  }
  EXPECT_EQ(state_of(*store, JobId{"never-heard-of"}), "none");
}

}  // namespace
}  // namespace penstock::testing
