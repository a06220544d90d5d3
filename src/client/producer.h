// SPDX-License-Identifier: MIT
//
// One producer of a store: a random nonce and a call number that grows, one call in flight. Whoever
// makes a changing call asks it for the request id, and repeats the call under the same id when the
// reply was lost; the store then gives the first answer again.
#pragma once

#include "store/store.h"

namespace penstock {

/// A random text that no other process will have.
std::string random_nonce();

/// Not thread-safe: one thread, or one lock, per producer.
class Producer {
 public:
  Producer() : nonce_(random_nonce()) {}

  /// Calls `act(request)` until it answers something else than `unavailable`, or `patience` is
  /// over.
  template <class Act>
  auto repeat(Clock& clock, Duration patience, Act act) {
    const RequestId request{.nonce = nonce_, .call = Call{++calls_}};
    const SteadyTime give_up = clock.steady() + patience;
    Duration pause{10};
    while (true) {
      auto answer = act(request);
      if (answer || answer.error().code != Errc::unavailable) return answer;
      if (clock.steady() + pause >= give_up) {
        Error error = std::move(answer).error();
        error.message += " (gave up after " + std::to_string(patience.count()) +
                         "ms; whether the last try took effect is unknown)";
        return decltype(answer)(std::move(error));
      }
      clock.wait_until(clock.steady() + pause, {});
      pause = std::min(pause * 2, Duration{500});
    }
  }

 private:
  std::string nonce_;
  std::uint64_t calls_ = 0;
};

}  // namespace penstock
