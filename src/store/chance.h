// SPDX-License-Identifier: MIT
//
// Random numbers from the system, and the secret that the ids of a namespace are made with.
#pragma once

#include "rules/id.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace penstock {

std::uint64_t random_number();
rules::Secret new_secret();
/// 64 hexadecimal digits, and back. What is too short or no digit reads as zero.
std::string to_hex(const rules::Secret& secret);
rules::Secret read_hex(std::string_view text);

}  // namespace penstock
