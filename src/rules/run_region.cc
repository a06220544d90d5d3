// SPDX-License-Identifier: MIT
//
// The regions of a run: flows, loops, and what is behind loops and leads to where other inputs
// come. What begins or ends in one is counted, and what follows from its end.
#include "rules/graph_heads.h"
#include "rules/run_step.h"
#include "rules/whole_number.h"

namespace penstock::rules {

// A flow inside is deeper than every loop around it, a loop deeper than those that its header comes
// after, and than what is behind it.
RunStep::Region& RunStep::region(const Spot& spot, int header, std::vector<int> tag, int group) {
  RegionKey key{.depth = spot.outer.size() * 1'000'000, .cell = group < 0 ? "l:" : "lb:"};
  key.cell += spot.scope;
  if (header >= 0) {
    const Graph::Node& node = spot.graph->nodes()[header];
    key.depth += 2 * node.heads.size() + (group < 0 ? 1 : 0);
    key.cell += node.node->name + '~' + write_tag(tag);
  }
  if (group >= 0) key.cell += '~' + std::to_string(group);
  Region& found = regions_[key];
  if (!found.spot.graph) {
    found.cell = key.cell;
    found.spot = spot;
    found.header = header;
    found.group = group;
    found.tag = std::move(tag);
  }
  return found;
}

// The loop of a head of the token's node, or what is behind it.
RunStep::Region& RunStep::loop_of(const Token& token, int header, int group) {
  const Graph& graph = *token.spot.graph;
  const std::size_t before = graph.nodes()[header].heads.size() - 1;
  return region(token.spot, header, at_home(graph, header, cut_tag(token, before), before), group);
}

void RunStep::count(const Token& token, std::int64_t by) {
  const Graph::Node& node = token.spot.graph->nodes()[token.node];
  for (const int header : node.loops) loop_of(token, header).delta += by;
  for (const auto& [header, group] : node.groups) loop_of(token, header, group).delta += by;
  region(token.spot, -1, {}).delta += by;
}

void RunStep::settle() {
  while (!over_) {
    if (!arrivals_.empty()) {
      const Arrival next = std::move(arrivals_.front());
      arrivals_.pop_front();
      arrive(next);
    } else if (!inputs_.empty()) {
      const auto come = inputs_.extract(inputs_.begin());
      for (const Arrival& one : come.mapped()) join(one);
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
  if (changed.delta == 0 && changed.exits.empty() && !changed.ends) return true;
  const bool is_loop = changed.header >= 0 && changed.group < 0;
  if (!is_loop && !changed.ends && stays_open(changed.cell, changed.delta)) return true;
  const auto known = edit_.read(changed.cell);
  const auto count = known ? known->substr(0, known->find('|')) : "0";
  const auto live = whole_number(count).value_or(0) + changed.delta;
  for (const auto& [edge, times] : exits_in(known.value_or(""))) changed.exits[edge] += times;
  if (is_loop) tell_groups(changed, known.has_value(), live > 0);
  if (live > 0) {
    edit_.write(changed.cell, std::to_string(live) + (is_loop ? '|' + write_exits(changed) : ""));
    return true;
  }
  edit_.erase(changed.cell);
  if (changed.group >= 0) {
    meet_no_more(changed);
  } else if (is_loop) {
    end_loop(changed);
  } else {
    end_flow(changed.spot);
  }
  return true;
}

// While the loop goes on, what is behind it may, too.
void RunStep::tell_groups(const Region& loop, bool went_on, bool goes_on) {
  for (const auto& [group, edges] : loop.spot.graph->meetings_of(loop.header)) {
    if (group < 0) continue;
    Region& behind = region(loop.spot, loop.header, loop.tag, group);
    behind.delta += (goes_on ? 1 : 0) - (went_on ? 1 : 0);
    behind.ends = behind.ends || !goes_on;
  }
}

// As a field tells it. What is decided on before the field has been read is decided on again: until
// then any turn does.
std::vector<int> RunStep::tag_at(const Token& token, std::string_view field) {
  std::vector<int> tag = read_tag(field);
  const auto heads = token.spot.graph->nodes()[token.node].heads.size();
  if (tag.size() < heads) tag.resize(heads, 1);
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
  token.passed = read_passed(tag);
  edit_.erase(tag_field);
  if (spot.outer.back().item < 0 && node_of(token).concludes) {
    return job(token, spot.outer, Phase::post);
  }
  instance_done(token, spot.outer, last_action_, Kind::taken);
}

}  // namespace penstock::rules
