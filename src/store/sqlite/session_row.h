// SPDX-License-Identifier: MIT
//
// What the session verbs share: the row of a session, and what a connection that beats remembers
// between two beats.
#pragma once

#include "store/sqlite/sqlite_store.h"

#include <string>
#include <vector>

namespace penstock::sqlite {

struct SqliteStore::SessionRow {
  SessionNumber number{};
  Call call{};
  std::size_t slot = 0;
  std::string worker = {};
};

// A job that may be taken.
struct SqliteStore::Ready {
  Reserved job = {};
  std::string own_id = {};
  std::optional<std::int64_t> large_bytes = {};  ///< Of a payload that is still to be read.
  std::optional<std::int64_t> expires_at_ms = {};
  std::int64_t ready_at_ms = 0;
  [[nodiscard]] std::size_t payload_bytes() const {
    return large_bytes ? static_cast<std::size_t>(*large_bytes) : job.payload.size();
  }
};

struct SqliteStore::Beating {
  struct Peer {
    SessionNumber session{};
    std::size_t slot = 0;
    bool retired = false;
  };
  // Moves with the commits of other connections, and with those of this one.
  struct Version {
    std::int64_t others = 0, own = 0;
    friend bool operator==(const Version&, const Version&) = default;
  };
  bool known = false;  ///< The slot is known.
  std::size_t slot = 0;
  Version version;
  SteadyTime read_at{};
  Orders orders;
  std::vector<Peer> peers;
};

/// Lists of names are stored a line each; names have no line ends.
std::string join_lines(const std::vector<std::string>& lines);
std::vector<std::string> split_lines(std::string_view text);

}  // namespace penstock::sqlite
