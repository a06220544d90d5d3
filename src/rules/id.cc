// SPDX-License-Identifier: MIT
// The low-level SHA-256 calls are deprecated in OpenSSL 3 in favour of EVP, which costs 1 us more a
// call; they alone allow the two HMAC key blocks to be hashed once.
#define OPENSSL_API_COMPAT 0x10100000L
#include "rules/id.h"

#include <openssl/sha.h>

#include <cstring>

namespace penstock::rules {
namespace {

constexpr std::size_t block_size = 64;

SHA256_CTX resume(const std::array<std::uint32_t, 8>& state) {
  SHA256_CTX context;
  SHA256_Init(&context);
  std::memcpy(context.h, state.data(), sizeof context.h);
  context.Nl = block_size * 8;  // One block, in bits, has gone in.
  return context;
}

std::array<std::uint32_t, 8> after_key_block(const Secret& secret, std::uint8_t pad) {
  std::array<std::uint8_t, block_size> block;
  block.fill(pad);
  for (std::size_t i = 0; i < secret.size(); ++i) block[i] ^= secret[i];
  SHA256_CTX context;
  SHA256_Init(&context);
  SHA256_Update(&context, block.data(), block.size());
  std::array<std::uint32_t, 8> state;
  std::memcpy(state.data(), context.h, sizeof context.h);
  return state;
}

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

IdMint::IdMint(const Secret& secret)
    : inner_(after_key_block(secret, 0x36)), outer_(after_key_block(secret, 0x5c)) {}

std::uint64_t IdMint::mac(const JobKey& key) const {
  std::array<std::uint8_t, 16> text{};
  text[0] = key.shard;
  for (std::size_t i = 0; i < 4; ++i) {
    text[1 + i] = static_cast<std::uint8_t>(static_cast<std::uint32_t>(key.lane) >> (8 * i));
  }
  for (std::size_t i = 0; i < 8; ++i) {
    text[5 + i] = static_cast<std::uint8_t>(key.sequence >> (8 * i));
  }
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest;
  SHA256_CTX context = resume(inner_);
  SHA256_Update(&context, text.data(), text.size());
  SHA256_Final(digest.data(), &context);
  context = resume(outer_);
  SHA256_Update(&context, digest.data(), digest.size());
  SHA256_Final(digest.data(), &context);
  std::uint64_t cut = 0;
  for (std::size_t i = 0; i < 6; ++i) cut = cut << 8 | digest[i];
  return cut;
}

JobId IdMint::make(const JobKey& key) const {
  // 74 bits of fields: 64 of them in `head`, the last 10 in `tail`.
  const std::uint64_t lane = static_cast<std::uint32_t>(key.lane);
  const std::uint64_t head =
      (static_cast<std::uint64_t>(key.shard) << 58) | (lane << 38) | (key.sequence >> 10);
  const std::uint64_t tail = key.sequence & 0x3ff;
  const std::uint64_t code = mac(key);
  // UUID: 48 bits, version nibble, 12 bits, variant (2) and 62 bits.
  const std::uint64_t high = ((head >> 16) << 16) | 0x4000 | ((head >> 4) & 0x0fff);
  const std::uint64_t low =
      (0x2ULL << 62) | ((head & 0xf) << 58) | (tail << 48) | (code & 0xffff'ffff'ffffULL);
  static constexpr char digits[] = "0123456789abcdef";
  JobId id;
  id.text.resize(36);
  std::size_t at = 0;
  for (int nibble = 0; nibble < 32; ++nibble) {
    if (nibble == 8 || nibble == 12 || nibble == 16 || nibble == 20) id.text[at++] = '-';
    const std::uint64_t word = nibble < 16 ? high : low;
    id.text[at++] = digits[(word >> (60 - 4 * (nibble % 16))) & 0xf];
  }
  return id;
}

std::optional<JobKey> IdMint::read(std::string_view text) const {
  if (text.size() != 36) return std::nullopt;
  std::uint64_t words[2] = {0, 0};
  int nibble = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i == 8 || i == 13 || i == 18 || i == 23) {
      if (text[i] != '-') return std::nullopt;
      continue;
    }
    const int value = hex_value(text[i]);
    if (value < 0) return std::nullopt;
    words[nibble / 16] = words[nibble / 16] << 4 | static_cast<std::uint64_t>(value);
    ++nibble;
  }
  const auto [high, low] = words;
  if (((high >> 12) & 0xf) != 4 || (low >> 62) != 2) return std::nullopt;
  const std::uint64_t head = ((high >> 16) << 16) | ((high & 0x0fff) << 4) | ((low >> 58) & 0xf);
  JobKey key;
  key.shard = static_cast<std::uint8_t>(head >> 58);
  key.lane = Lane{static_cast<std::uint32_t>((head >> 38) & max_lane)};
  key.sequence = ((head & ((1ULL << 38) - 1)) << 10) | ((low >> 48) & 0x3ff);
  if (mac(key) != (low & 0xffff'ffff'ffffULL)) return std::nullopt;
  return key;
}

}  // namespace penstock::rules
