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

struct SqliteStore::Beating {
  struct Peer {
    SessionNumber session{};
    std::size_t slot = 0;
    bool retired = false;
  };
  SessionNumber session{};
  bool known = false;    ///< The slot is known.
  bool mourned = false;  ///< Its own death was counted as a false alarm.
  std::size_t slot = 0;
  std::int64_t version = 0;
  SteadyTime read_at{};
  Orders orders;
  std::vector<Peer> peers;
};

/// Lists of names are stored a line each; names have no line ends.
std::string join_lines(const std::vector<std::string>& lines);
std::vector<std::string> split_lines(std::string_view text);

}  // namespace penstock::sqlite
