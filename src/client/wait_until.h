// SPDX-License-Identifier: MIT
//
// Waiting for something that the event stream tells of, without asking again and again: look, sleep
// until the stream grows, look again. A store that does not answer for a while is no reason to
// stop.
#pragma once

#include "client/handles.h"

#include <optional>

namespace penstock {

/// Calls `look`, which answers a Result<std::optional<T>>, until there is something; nothing: it
/// did not come within `patience`. Errors: those of `look` and of the store.
template <class Look>
auto wait_until_seen(Handles& handles, Duration patience, Look look) -> decltype(look()) {
  auto store = handles.lend();
  if (!store) return std::move(store).error();
  const auto ring = (*store)->make_ring();
  const SteadyTime give_up = real_clock().steady() + patience;
  const auto goes_on = [&](const Error& error) {
    const SteadyTime next_try = real_clock().steady() + Duration{100};
    if (error.code != Errc::unavailable || next_try >= give_up) return false;
    return real_clock().wait_until(next_try, {}), true;
  };
  while (true) {
    // The stream's end first, then the look: what comes in between moves the bell.
    auto end_of_stream = (*store)->events({});
    if (!end_of_stream && goes_on(end_of_stream.error())) continue;
    if (!end_of_stream) return std::move(end_of_stream).error();
    auto seen = look();
    if (!seen && goes_on(seen.error())) continue;
    if (!seen || *seen) return seen;
    auto woken = (*store)->wait({.seen = end_of_stream->seen, .events = true}, give_up, *ring);
    if (!woken && goes_on(woken.error())) continue;
    if (!woken) return std::move(woken).error();
    if (*woken == Woken::deadline) return decltype(look())(std::nullopt);
  }
}

}  // namespace penstock
