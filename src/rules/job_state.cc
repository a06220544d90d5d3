// SPDX-License-Identifier: MIT
#include "rules/job_state.h"

#include <algorithm>
#include <array>

namespace penstock::rules {
namespace {

using enum JobState;

constexpr std::array edges = {
    Edge{ready, Move::reserve, running},   Edge{running, Move::succeed, succeeded},
    Edge{running, Move::fail, failed},     Edge{running, Move::retry, scheduled},
    Edge{running, Move::give_back, ready}, Edge{running, Move::cancel, cancelled},
    Edge{scheduled, Move::promote, ready}, Edge{scheduled, Move::cancel, cancelled},
    Edge{waiting, Move::release, ready},   Edge{waiting, Move::cancel, cancelled},
    Edge{ready, Move::cancel, cancelled},  Edge{failed, Move::revive, ready},
    Edge{cancelled, Move::revive, ready},
};

constexpr std::array<std::string_view, 7> state_names = {
    "waiting", "scheduled", "ready", "running", "succeeded", "failed", "cancelled"};

constexpr std::array<std::string_view, 9> move_names = {
    "reserve", "succeed", "fail", "retry", "give_back", "promote", "release", "cancel", "revive"};

}  // namespace

std::span<const Edge> transitions() { return edges; }

bool is_legal(JobState from, Move move, JobState to) {
  return std::ranges::any_of(
      edges, [&](const Edge& e) { return e.from == from && e.move == move && e.to == to; });
}

bool is_legal(JobState from, JobState to) {
  return std::ranges::any_of(edges, [&](const Edge& e) { return e.from == from && e.to == to; });
}

std::string_view to_text(JobState state) { return state_names[static_cast<std::size_t>(state)]; }

std::optional<JobState> parse_state(std::string_view text) {
  const auto found = std::ranges::find(state_names, text);
  if (found == state_names.end()) return std::nullopt;
  return static_cast<JobState>(found - state_names.begin());
}

std::string_view to_text(Move move) { return move_names[static_cast<std::size_t>(move)]; }

}  // namespace penstock::rules
