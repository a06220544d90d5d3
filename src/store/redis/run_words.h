// SPDX-License-Identifier: MIT
//
// Changes of runs as the words that scripts/lib/run.lua reads, and its conflicts as values. A job
// that a field names behind its last bar is there as @LANE.SEQUENCE, because scripts cannot make
// ids; here it goes by its id.
#pragma once

#include "rules/id.h"
#include "rules/run_change.h"
#include "store/redis/arguments.h"
#include "store/redis/keys.h"
#include "store/redis/reply.h"

#include <span>
#include <vector>

namespace penstock::redis {

void add_changes(ScriptArguments& arguments, const Keys& keys, const rules::IdMint& mint,
                 std::span<const rules::RunChange> runs);
struct ConflictWords {
  const Reply& words;
  std::size_t at = 0, end = 0;
};
std::vector<rules::RunConflict> read_conflicts(const ConflictWords& from,
                                               const rules::IdMint& mint);
/// A field as it lies in the run, with the job's id.
std::string read_run_value(std::string_view value, const rules::IdMint& mint);

}  // namespace penstock::redis
