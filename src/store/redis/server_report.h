// SPDX-License-Identifier: MIT
//
// What INFO answers: lines of "name:value", in sections.
#pragma once

#include <string_view>

namespace penstock::redis {

/// The value of `name`; empty when there is no such line.
std::string_view field_of(std::string_view report, std::string_view name);

}  // namespace penstock::redis
