// SPDX-License-Identifier: MIT
//
// Payloads and results that are too large for the row of their job. A row of `jobs` that does not
// fit into its page is read as a whole whenever a search passes it, so that every small job beside
// it would pay for its size; the table of large texts is one that searches pass by number.
#pragma once

#include "store/sqlite/connection.h"

#include <cstdint>
#include <string>
#include <string_view>

namespace penstock::sqlite {

/// With the other columns, what stays within the page of 4 KiB: a quarter of it.
inline constexpr std::size_t largest_in_row = 512;

struct LargeText {
  enum class Which : std::uint8_t { payload, result };

  std::uint64_t sequence = 0;
  Which which = Which::payload;

  void write(Connection& db, std::string_view text) const;
  [[nodiscard]] std::string read(Connection& db) const;
  void remove(Connection& db) const;

 private:
  [[nodiscard]] std::uint64_t place() const {
    return 2 * sequence + (which == Which::result ? 1 : 0);
  }
};

/// The two columns of one text, as they are bound: what lies in the row, and the bytes of what does
/// not.
struct RowText {
  explicit RowText(std::string_view text)
      : in_row(text.size() > largest_in_row ? std::string_view() : text) {
    if (text.size() > largest_in_row) large_bytes = static_cast<std::int64_t>(text.size());
  }
  std::string_view in_row;
  std::optional<std::int64_t> large_bytes;
};

}  // namespace penstock::sqlite
