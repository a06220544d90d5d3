// SPDX-License-Identifier: MIT
//
// Changes of runs as the words that scripts/lib/run.lua reads, and its conflicts as values.
#pragma once

#include "rules/run_change.h"
#include "store/redis/arguments.h"
#include "store/redis/keys.h"
#include "store/redis/reply.h"

#include <span>
#include <vector>

namespace penstock::redis {

void add_changes(ScriptArguments& arguments, const Keys& keys,
                 std::span<const rules::RunChange> runs);
/// Words from `at` on, up to `end`.
std::vector<rules::RunConflict> read_conflicts(const Reply& words, std::size_t at, std::size_t end);

}  // namespace penstock::redis
