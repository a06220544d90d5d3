// SPDX-License-Identifier: MIT
//
// Watches the beats of other sessions and gives back what dead ones held. Death is seen, not timed
// out: a session is dead when its beat did not change in five answers in a row that span 2.25 s,
// each of which came promptly. When the answers themselves stall, the watch starts again, so a slow
// store, a restart or a paused watcher kills nobody.
#pragma once

#include "store/store.h"

#include <map>
#include <span>
#include <vector>

namespace penstock {

/// Not thread-safe.
class Rescuer {
 public:
  /// Takes in one answer to a beat that was asked and answered at these times. Returns the sessions
  /// that are dead now, or were declared dead before and still hold jobs.
  std::vector<Watched> observe(std::span<const Watched> beats, SteadyTime asked,
                               SteadyTime answered);

 private:
  struct Watch {
    std::uint64_t beat = 0;
    int answers = 0;  ///< In a row with this beat.
    SteadyTime since{};
  };
  std::map<SessionNumber, Watch> watches_;
  SteadyTime last_answer_{};
};

/// Declares `session` dead, if its beat is still the one seen, and gives back all of its jobs, in
/// bounded steps. Returns how many.
Result<std::int64_t> rescue_all(Store& store, const Watched& dead, const Death& death);

}  // namespace penstock
