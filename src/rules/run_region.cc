// SPDX-License-Identifier: MIT
//
// The regions of a run: flows and the turns of loops. What begins or ends in one is counted, and
// what follows from its end.
#include "rules/run_step.h"

#include <algorithm>

namespace penstock::rules {
namespace {

std::string loop_cell(const std::string& scope, const std::string& header,
                      const std::vector<int>& outer_tag) {
  return "l:" + scope + header + '~' + write_tag(outer_tag);
}

std::int64_t take_number(std::string_view& text, char end) {
  std::int64_t value = 0;
  while (!text.empty() && text.front() != end) {
    value = value * 10 + (text.front() - '0');
    text.remove_prefix(1);
  }
  if (!text.empty()) text.remove_prefix(1);
  return value;
}

}  // namespace

// How often each edge out of a loop was taken, of its cell: LIVE|EDGExTIMES EDGExTIMES
std::map<int, int> RunStep::exits_in(std::string_view cell) {
  std::map<int, int> exits;
  take_number(cell, '|');
  while (!cell.empty()) {
    const int edge = static_cast<int>(take_number(cell, 'x'));
    exits[edge] = static_cast<int>(take_number(cell, ' '));
  }
  return exits;
}

RunStep::Region& RunStep::region(const Spot& spot, int header, std::size_t depth,
                                 std::vector<int> outer_tag) {
  // A flow inside is deeper than every loop around it: depths of outer flows count a thousandfold.
  const std::size_t level = spot.outer.size() * 1000 + (header < 0 ? 0 : depth + 1);
  RegionKey key{.depth = level};
  key.cell = header < 0 ? "l:" + spot.scope
                        : loop_cell(spot.scope, spot.graph->nodes()[header].node->name, outer_tag);
  Region& found = regions_[key];
  if (!found.spot.graph) {
    found.cell = key.cell;
    found.spot = spot;
    found.header = header;
    found.outer_tag = std::move(outer_tag);
  }
  return found;
}

void RunStep::count(const Token& token, std::int64_t by) {
  const Graph::Node& node = token.spot.graph->nodes()[token.node];
  for (std::size_t i = 0; i < node.loops.size(); ++i) {
    region(token.spot, node.loops[i], i, outer_tag(token, i)).delta += by;
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
  if (changed.delta == 0 && changed.exits.empty()) return true;
  if (changed.header < 0 && stays_open(changed.cell, changed.delta)) return true;
  const std::string known = edit_.read(changed.cell).value_or("0|");
  std::string_view text = known;
  const std::int64_t live = take_number(text, '|') + changed.delta;
  for (const auto& [edge, times] : exits_in(known)) changed.exits[edge] += times;
  if (live > 0) {
    std::string value = std::to_string(live) + '|';
    for (const auto& [edge, times] : changed.exits) {
      value += std::to_string(edge) + 'x' + std::to_string(times) + ' ';
    }
    edit_.write(changed.cell, std::move(value));
    return true;
  }
  edit_.erase(changed.cell);
  if (changed.header >= 0) {
    if (changed.spot.graph->branches(changed.header)) edit_.erase("li:" + changed.cell.substr(2));
    end_loop(changed);
  } else {
    end_flow(changed.spot);
  }
  return true;
}

void RunStep::end_loop(const Region& region) {
  const Graph& graph = *region.spot.graph;
  for (const int e : graph.exits_of(region.header)) {
    const Graph::Edge& edge = graph.edges()[e];
    const auto& loops = graph.nodes()[edge.from].loops;
    const bool leaves_only_this =
        loops[loops.size() - static_cast<std::size_t>(edge.exits)] == region.header;
    if (region.exits.contains(e) || !leaves_only_this) continue;
    const Graph::Node& target = graph.nodes()[edge.to];
    const auto taken = [&](int other) { return region.exits.contains(other); };
    const bool told =
        target.one_of && (e != target.in.front() || std::ranges::any_of(target.in, taken));
    if (told) continue;
    std::vector<int> tag = region.outer_tag;
    tag.resize(tag.size() + static_cast<std::size_t>(edge.exits), 1);  // As if it began.
    arrivals_.push_back({.spot = region.spot,
                         .edge = e,
                         .kind = Kind::skipped,
                         .tag = target_tag(graph, edge, tag)});
  }
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
