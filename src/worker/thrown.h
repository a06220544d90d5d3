// SPDX-License-Identifier: MIT
//
// What a user's exception says of itself, for the error of its job.
#pragma once

#include <exception>
#include <string>

namespace penstock {

inline std::string message_of(const std::exception& e) {
  const std::string text = e.what();
  return text.empty() ? "it threw an exception without a message" : text;
}

/// Of what is no std::exception.
inline constexpr const char* nameless_throw =
    "the handler threw something that is no std::exception";

}  // namespace penstock
