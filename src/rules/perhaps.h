// SPDX-License-Identifier: MIT
//
// A guess at what somebody meant who wrote a name that is not known.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace penstock::rules {

/// " (timeout?)": the name that somebody may have meant who wrote another; else nothing.
std::string perhaps(std::string_view written, std::span<const std::string_view> known);

}  // namespace penstock::rules
