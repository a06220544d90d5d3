// SPDX-License-Identifier: MIT
//
// Job ids. An id has the form of a UUID v4 whose 122 free bits are shard (6), lane (20), sequence
// (48) and a MAC (48) over the three under the namespace's secret: it cannot be guessed, a store
// that was wiped knows none of the old ones, and finding its job needs no index.
//
//   hex digits   ssssssss-ssss-4sss-vxxx-mmmmmmmmmmmm
//   bits         62 before the MAC: shard, lane, sequence, most significant first; then version and
//                variant bits of UUID v4 in their places.
#pragma once

#include <penstock/job.h>

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string_view>

namespace penstock::rules {

/// A lane: queue + pool + priority of one shard. Numbered by the store.
enum class Lane : std::uint32_t {};

/// Where a job lives. Sequences grow within a lane and are below 10^14.
struct JobKey {
  std::uint8_t shard = 0;
  Lane lane{};
  std::uint64_t sequence = 0;
  friend auto operator<=>(const JobKey&, const JobKey&) = default;
};

inline constexpr std::uint64_t max_sequence = 100'000'000'000'000;
inline constexpr std::uint32_t max_lane = (1U << 20) - 1;

/// 32 random bytes that a namespace is created with.
using Secret = std::array<std::uint8_t, 32>;

/// Makes and reads the ids of one namespace. Immutable; safe to share between threads.
class IdMint {
 public:
  explicit IdMint(const Secret& secret);

  [[nodiscard]] JobId make(const JobKey& key) const;
  /// Nothing when the text is no id of this namespace (a caller's own id, or a foreign one).
  [[nodiscard]] std::optional<JobKey> read(std::string_view text) const;

 private:
  [[nodiscard]] std::uint64_t mac(const JobKey& key) const;

  // SHA-256 states after the inner and the outer key block of HMAC: two blocks a MAC instead of
  // four.
  std::array<std::uint32_t, 8> inner_{}, outer_{};
};

}  // namespace penstock::rules

template <>
struct std::hash<penstock::rules::JobKey> {
  std::size_t operator()(const penstock::rules::JobKey& key) const noexcept {
    const std::uint64_t mixed =
        (key.sequence ^ (static_cast<std::uint64_t>(key.lane) << 40)) * 0x9E3779B97F4A7C15ULL;
    return static_cast<std::size_t>(mixed ^ (mixed >> 32) ^ key.shard);
  }
};
