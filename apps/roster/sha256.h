// SPDX-License-Identifier: MIT
//
// The fingerprint that ties an answer to its input.
#pragma once

#include <string>
#include <string_view>

#include <penstock/result.h>

namespace penstock::roster {

/// 64 lower-case hexadecimal digits. Errc::internal when OpenSSL has no SHA-256.
Result<std::string> sha256(std::string_view text);

}  // namespace penstock::roster
