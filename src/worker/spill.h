// SPDX-License-Identifier: MIT
//
// Results that are too large for the store, as files. A file is whole or not there: it is written
// under another name, synced, then renamed. Its name holds job and fence, so that two attempts
// never write the same one. Used where results are checked, in attempt.cc.
#pragma once

#include <penstock/worker.h>

#include <string>
#include <string_view>

namespace penstock {

/// Checks that the folder is there and can be written to, and makes its path absolute. Errors:
/// invalid, not_found, denied.
Result<Spill> settle_spill(Spill spill);

/// Writes a result to a file of its own and returns what stands for it:
/// {"$file":"/folder/ID-FENCE.json","bytes":N}. Errors: unavailable.
Result<std::string> spill_result(const Spill& spill, const JobId& id, Fence fence,
                                 std::string_view result);

}  // namespace penstock
