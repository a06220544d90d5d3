// SPDX-License-Identifier: MIT
#include "store/sqlite/large_text.h"

namespace penstock::sqlite {

void LargeText::write(Connection& db, std::string_view text) const {
  db.statement("large_text.write").start(place(), text).run();
}

std::string LargeText::read(Connection& db) const {
  Statement& read = db.statement("large_text.read").start(place());
  std::string text;
  if (read.row()) {
    text = read.text(0);
  } else {
    db.fail(SQLITE_CORRUPT);
  }
  read.end();
  return text;
}

void LargeText::remove(Connection& db) const {
  db.statement("large_text.remove").start(place()).run();
}

}  // namespace penstock::sqlite
