// SPDX-License-Identifier: MIT
//
// The state machine of a job, as one table: which verb moves a job from which state to which. The
// drawing in docs/state_machine.md is held against it by a test, the stores by the conformance
// suite.
#pragma once

#include <penstock/job.h>

#include <optional>
#include <span>
#include <string_view>

namespace penstock::rules {

inline constexpr JobState all_states[] = {JobState::waiting,  JobState::scheduled, JobState::ready,
                                          JobState::running,  JobState::succeeded, JobState::failed,
                                          JobState::cancelled};

/// What moves a job.
enum class Move : std::uint8_t {
  reserve,    // A session takes it.
  succeed,    // Its handler returned.
  fail,       // No attempt is left, or none can help.
  retry,      // It failed and runs again later; also snooze.
  give_back,  // Its worker ended, died, or lacks the handler.
  promote,    // Its time has come, or an operator says now.
  release,    // Its parents or its gate let it go.
  cancel,     // By an operator, its own handler, or its expiry.
  revive,     // An operator retries an ended job.
};

struct Edge {
  JobState from;
  Move move;
  JobState to;
};

/// Every legal move.
std::span<const Edge> transitions();
/// True when `transitions()` has the edge.
bool is_legal(JobState from, Move move, JobState to);
/// True when any move leads from one to the other.
bool is_legal(JobState from, JobState to);

constexpr bool is_terminal(JobState state) { return state >= JobState::succeeded; }

std::string_view to_text(JobState state);
std::optional<JobState> parse_state(std::string_view text);
std::string_view to_text(Move move);

}  // namespace penstock::rules
