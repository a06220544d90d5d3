// SPDX-License-Identifier: MIT
//
// What a node leaves behind: what it did to the shared store, and its result.
#include "rules/run_step.h"
#include "rules/turn_result.h"

namespace penstock::rules {

// What the node did to the shared store.
void RunStep::commit(const NodeReport& report) {
  for (const RunField& field : report.set) {
    if (field.value) {
      edit_.write(field.name, *field.value);
    } else {
      edit_.erase(field.name);
    }
  }
  for (const RunAdd& add : report.add) edit_.add(add);
  for (const RunAppend& append : report.append) edit_.append(append.list, append.value);
}

// A retry of a group runs a map again: an item may have ended otherwise before.
void RunStep::forget_item(const NodeReport& report, const Token& token, JobState state) {
  if (!token.spot.graph->nodes()[token.node].tolerated) return;
  if (state == JobState::succeeded) edit_.erase("n:" + write_place(report.place));
  if (state == JobState::failed) {
    edit_.erase(item_result(map_of(report.place), report.place.back().item));
  }
}

// One that failed or was skipped has no result, whatever its visit before had.
void RunStep::put_result(const Token& token, const Place& place,
                         std::optional<std::string> result) {
  if (place.back().item >= 0) return;
  const std::string path = node_path(place);
  if (result) {
    edit_.write("r:" + path, *result);
  } else if (place.back().visit > 1) {
    edit_.erase("r:" + path);
  }
  if (!token.spot.graph->nodes()[token.node].overlaps) return;
  const std::string tag = write_tag(token.tag), field = turn_field(path, tag);
  TurnResult mine{.visit = place.back().visit, .result = std::move(result)};
  if (const auto known = edit_.read(field)) {
    mine.before = read_turn_result(*known).before;  // The node ran again in this turn.
  } else {
    mine.before = edit_.read("rt:" + path);
    edit_.write("rt:" + path, tag);
  }
  edit_.write(field, write_turn_result(mine));
}

}  // namespace penstock::rules
