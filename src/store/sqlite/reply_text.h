// SPDX-License-Identifier: MIT
//
// The text in which an answer is kept with its producer, so that a repeated call gets it again.
//
//   submit     one line a job: "a lane.sequence own-id" accepted, "d id" duplicate, "e code
//   message" operators  first line "changed cursor", then "code id message" for each refusal
#pragma once

#include "rules/id.h"
#include "store/store.h"

#include <string>
#include <string_view>
#include <vector>

namespace penstock::sqlite {

void append_accepted(std::string& reply, const rules::JobKey& key, std::string_view own_id);
/// A duplicate or a refusal.
void append_submitted(std::string& reply, const Submitted& answer);
std::vector<Submitted> read_submitted(std::string_view reply, const rules::IdMint& mint);

std::string write_changed(const Changed& changed);
Changed read_changed(std::string_view reply);

}  // namespace penstock::sqlite
