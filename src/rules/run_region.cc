// SPDX-License-Identifier: MIT
//
// The regions of a run: flows and the turns of loops. What begins or ends in one is counted, and
// what follows from its end.
#include "rules/loop_exits.h"
#include "rules/run_step.h"
#include "rules/whole_number.h"

#include <algorithm>

namespace penstock::rules {
namespace {

std::string loop_cell(const std::string& scope, const std::string& header, std::vector<int> tag,
                      int turn) {
  if (turn > 0) tag.push_back(turn);
  return (turn > 0 ? "lt:" : "l:") + scope + header + '~' + write_tag(tag);
}

}  // namespace

RunStep::Region& RunStep::region(const Spot& spot, int header, std::size_t depth,
                                 std::vector<int> outer_tag, int turn) {
  // A flow inside is deeper than every loop around it, and a turn than its loop.
  const std::size_t loop = header < 0 ? 0 : 2 * depth + (turn > 0 ? 2 : 1);
  RegionKey key{.depth = spot.outer.size() * 1'000'000 + loop};
  key.cell = header < 0
                 ? "l:" + spot.scope
                 : loop_cell(spot.scope, spot.graph->nodes()[header].node->name, outer_tag, turn);
  Region& found = regions_[key];
  if (!found.spot.graph) {
    found.cell = key.cell;
    found.spot = spot;
    found.header = header;
    found.outer_tag = std::move(outer_tag);
    found.turn = turn;
  }
  return found;
}

// The loop at this depth around the token's node.
RunStep::Region& RunStep::loop_of(const Token& token, std::size_t depth) {
  const int header = token.spot.graph->nodes()[token.node].loops[depth];
  std::vector<int> tag = outer_tag(token, depth);
  if (token.spot.graph->branches(header)) {
    tag = at_home(*token.spot.graph, header, std::move(tag), depth);
  }
  return region(token.spot, header, depth, std::move(tag));
}

// The turn of that loop, which branches.
RunStep::Region& RunStep::turn_of(const Token& token, std::size_t depth) {
  const Region& loop = loop_of(token, depth);
  const std::size_t loops = token.spot.graph->nodes()[token.node].loops.size();
  const int turn = token.tag[token.tag.size() - loops + depth];
  return region(token.spot, loop.header, depth, loop.outer_tag, turn);
}

void RunStep::count(const Token& token, std::int64_t by) {
  const Graph& graph = *token.spot.graph;
  const auto& loops = graph.nodes()[token.node].loops;
  for (std::size_t i = 0; i < loops.size(); ++i) {
    loop_of(token, i).delta += by;
    if (graph.branches(loops[i])) turn_of(token, i).delta += by;
  }
  region(token.spot, -1, 0, {}).delta += by;
}

void RunStep::settle() {
  while (!over_) {
    if (!arrivals_.empty()) {
      const Arrival next = std::move(arrivals_.front());
      arrivals_.pop_front();
      arrive(next);
    } else if (!settle_region()) {
      return;
    }
  }
}

// Counts on whatever the number is, if a flow has not come to its end by what is known of it.
bool RunStep::stays_open(const std::string& cell, std::int64_t delta) {
  const auto known = edit_.guess_number(cell);
  if (delta > 0) {
    edit_.add({.name = cell, .by = std::to_string(delta)});
    return true;
  }
  if (known && *known + delta < 1) return false;
  edit_.add({.name = cell, .by = std::to_string(delta), .at_least = 1});
  return true;
}

// The deepest region that something has changed in; false when there is none left.
bool RunStep::settle_region() {
  if (regions_.empty()) return false;
  const auto first = regions_.begin();
  Region changed = std::move(first->second);
  regions_.erase(first);
  if (changed.delta == 0 && changed.exits.empty() && changed.departures.empty()) return true;
  if (changed.header < 0 && stays_open(changed.cell, changed.delta)) return true;
  const std::string known = edit_.read(changed.cell).value_or("0|");
  const std::string_view count = std::string_view(known).substr(0, known.find('|'));
  const auto live = whole_number(count).value_or(0) + changed.delta;
  if (changed.turn > 0) {
    if (changed.departures.empty()) changed.departures = departures_in(known);
  } else {
    for (const auto& [edge, times] : exits_in(known)) changed.exits[edge] += times;
  }
  if (live > 0) {
    edit_.write(changed.cell, std::to_string(live) + '|' + write_exits(changed));
    return true;
  }
  edit_.erase(changed.cell);
  if (changed.turn > 0) {
    end_turn(changed);
  } else if (changed.header >= 0) {
    end_loop(changed);
  } else {
    end_flow(changed.spot);
  }
  return true;
}

// As a field tells it. What is decided on before the field has been read is decided on again: until
// then any turn does.
std::vector<int> RunStep::tag_at(const Token& token, std::string_view field) {
  std::vector<int> tag = read_tag(field);
  const auto loops = token.spot.graph->nodes()[token.node].loops.size();
  if (tag.size() < loops) tag.resize(loops, 1);
  return tag;
}

// What came last may be an input that is too late for its join, or a node that was skipped. The
// output is that of the last end, else of the last node before one that was skipped.
void RunStep::recall_end(const Spot& spot) {
  if (!spot.graph->ends_late()) return;
  std::optional<std::string> known;
  for (const char* kind : {"e:", "el:"}) {
    if (!known) known = edit_.read(kind + spot.scope);
    edit_.erase(kind + spot.scope);
  }
  if (!known) return;
  const auto bar = known->find('|');
  last_result_ = edit_.read("r:" + spot.scope + known->substr(0, bar)).value_or("null");
  last_action_ = known->substr(bar + 1);
}

void RunStep::end_flow(const Spot& spot) {
  recall_end(spot);
  if (spot.outer.empty()) {
    // One that fails has come to its end all the same: a retry has nothing more to do.
    edit_.write(state_ == RunState::running ? "output" : "made", last_result_);
    if (state_ == RunState::running) finish(RunState::succeeded);
    return;
  }
  Token token{.spot = spot_of(spot.outer)};
  token.node = token.spot.graph->find(spot.outer.back().node);
  const std::string tag_field = "b:" + write_place(spot.outer);
  const std::string tag = edit_.read(tag_field).value_or("");
  token.tag = tag_at(token, tag);
  token.left = read_left(tag);
  edit_.erase(tag_field);
  if (spot.outer.back().item < 0 && node_of(token).concludes) {
    return job(token, spot.outer, Phase::post);
  }
  instance_done(token, spot.outer, last_action_, Kind::taken);
}

}  // namespace penstock::rules
