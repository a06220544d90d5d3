// SPDX-License-Identifier: MIT
//
// The session's beats: one every half second, on a thread and a store handle of their own, whatever
// the handlers and the pump do. The answers go to the pump and to upkeep through the Pulse.
#pragma once

#include "upkeep/rescuer.h"
#include "worker/pulse.h"

#include <functional>
#include <stop_token>

namespace penstock {

/// Memory of this process and of the programs that it runs.
std::int64_t resident_bytes_with_programs();

class Heart {
 public:
  /// `tell_pump` and `tell_upkeep` are called after an answer that concerns them.
  Heart(Store& store, Pulse& pulse, std::function<void()> tell_pump,
        std::function<void()> tell_upkeep)
      : store_(store),
        pulse_(pulse),
        tell_pump_(std::move(tell_pump)),
        tell_upkeep_(std::move(tell_upkeep)) {}

  /// One beat.
  void step();
  /// Beats until it is stopped.
  void run(const std::stop_token& stop);

 private:
  Store& store_;
  Pulse& pulse_;
  const std::function<void()> tell_pump_, tell_upkeep_;
  Rescuer rescuer_;
};

}  // namespace penstock
