// SPDX-License-Identifier: MIT
#include "apps/roster/sha256.h"

#include <array>

#include <openssl/evp.h>

namespace penstock::roster {

Result<std::string> sha256(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr) != 1) {
    return Error{Errc::internal, "OpenSSL could not compute a SHA-256"};
  }
  constexpr std::string_view digits = "0123456789abcdef";
  std::string hex;
  for (unsigned int i = 0; i < size; ++i) {
    hex += digits[digest[i] >> 4U];
    hex += digits[digest[i] & 0xfU];
  }
  return hex;
}

}  // namespace penstock::roster
