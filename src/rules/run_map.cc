// SPDX-License-Identifier: MIT
//
// A node that runs once for each item of a list: a window of items is live, each that ends lets the
// next ones begin, the last one ends the node. A cell holds the counts, so a list of any length
// costs the same at each step.
#include "rules/counted.h"
#include "rules/cut.h"
#include "rules/duration.h"
#include "rules/json.h"
#include "rules/run_step.h"
#include "rules/whole_number.h"

#include <algorithm>

namespace penstock::rules {
namespace {

std::int64_t window_of(const FlowNode& node) {
  return node.map && node.map->parallel > 0 ? node.map->parallel : default_map_parallel;
}

}  // namespace

// Of so many items so many have to succeed.
std::int64_t needed(const GroupPolicy& policy, std::int64_t items) {
  if (policy.kind == GroupPolicy::Kind::best_effort) return 0;
  return policy.kind == GroupPolicy::Kind::at_least ? policy.need : items;
}

MapCell read_map(std::string_view text) {
  MapCell map;
  map.tag = cut(text, '|');
  map.items = whole_number(cut(text, '|')).value_or(0);
  map.stage = text;
  return map;
}

std::string item_field(const MapCell& map, std::int64_t item) {
  return "mi:" + map.stage + ':' + std::to_string(item / stage_chunk);
}

std::string item_result(const Place& map, std::int64_t item) {
  return "mr:" + write_place(map) + ':' + std::to_string(item);
}

void RunStep::begin_map(const NodeReport& report, const Token& token) {
  const MapCell map{
      .tag = write_tag(token.tag, token.passed), .stage = report.stage, .items = *report.items};
  const bool too_short = needed(node_of(token).map->policy, map.items) > map.items;
  if (map.items == 0 || too_short) return end_map(token, report.place, map, 0);
  const std::string at = write_place(report.place);
  const auto first = std::min(window_of(node_of(token)), static_cast<std::int64_t>(step_fires));
  edit_.write("m:" + at, map.tag + '|' + std::to_string(map.items) + '|' + map.stage);
  release_items(token, report.place, {.items = std::min(first, map.items)});
}

// The first step opens as much of the window as one step may, later ones the rest of it by and by:
// so any window is reached soon, and no step is large.
void RunStep::release_items(const Token& token, const Place& map_place, const ItemRange& range) {
  const FlowNode& node = node_of(token);
  for (std::int64_t item = range.next; item < range.items; ++item) {
    Place place = map_place;
    place.back().item = item;
    if (state_ != RunState::running) {
      park(token, place, Phase::item);
    } else if (node.kind == FlowNode::Kind::flow && !node.body->nodes.empty()) {
      open_body({.spot = token.spot, .node = token.node}, place);
    } else {
      put_job(token, place, Phase::item, node.task.empty() ? std::string(step_task) : node.task);
    }
  }
  edit_.write_number("mn:" + write_place(map_place), range.items);
}

// Items end in any order and on any worker: most of them are only counted. Every so manieth opens
// the next ones, and the last ends the node; these have to know the count.
void RunStep::item_done(const Token& token, const Place& place, bool succeeded,
                        const std::string& why) {
  const FlowNode& node = node_of(token);
  const Place map_place = map_of(place);
  const std::string at = write_place(map_place), ended = "md:" + at, failed = "mf:" + at;
  const MapCell map = read_map(edit_.read("m:" + at).value_or(""));
  if (map.items == 0) return;  // Not known yet: the store will tell.
  if (!succeeded) {
    if (!tolerates(token, map, failed)) {
      fail(place, "item " + std::to_string(place.back().item) + " of " + node.name + " failed" +
                      (why.empty() ? "" : ": " + why));
      return park(token, place, Phase::item);
    }
    edit_.add({.name = failed});
  }
  // No turn is farther away than what the first step has opened, and none opens more than a step
  // may.
  const std::int64_t window = window_of(node);
  const auto stride = std::clamp<std::int64_t>(window / 8, 1, step_fires / 2);
  const std::int64_t guess = edit_.guess_number(ended).value_or(0) + 1;
  const std::int64_t last_turn = (guess - 1) / stride * stride;
  const std::int64_t turn = std::min(map.items, last_turn + stride);
  if (guess < turn) {
    // Neither beyond the next turn nor before the last one: a turn that is passed over by others
    // while its own item is refused would never come.
    return edit_.add({.name = ended, .at_least = last_turn + 1, .at_most = turn - 1});
  }
  const std::int64_t all = edit_.read_number(ended) + 1;
  if (all < map.items) {
    edit_.write_number(ended, all);
    const std::int64_t next = edit_.read_number("mn:" + at);
    const std::int64_t most = std::min({next + 2 * stride, all + window, map.items});
    return release_items(token, map_place, {.next = next, .items = std::max(next, most)});
  }
  const std::int64_t lost = edit_.read_number(failed);
  // What is undone in a flow has the set that it had.
  if (node.kind == FlowNode::Kind::flow) edit_.write("me:" + at, *edit_.read("m:" + at));
  for (const std::string& cell : {"m:" + at, "mn:" + at, ended, failed}) edit_.erase(cell);
  Token whole = token;
  whole.tag = tag_at(token, map.tag);
  whole.passed = read_passed(map.tag);
  end_map(whole, map_place, map, lost);
}

bool RunStep::tolerates(const Token& token, const MapCell& map, const std::string& failed) {
  const FlowNode& node = node_of(token);
  if (!node.map) return false;
  // A member of a group: what follows it judges, when all items have ended.
  if (token.spot.graph->nodes()[token.node].tolerated) return true;
  const std::int64_t need = needed(node.map->policy, map.items);
  return need == 0 || map.items - (edit_.read_number(failed) + 1) >= need;
}

void RunStep::note_map(const std::string& at, JobState state, const MapCell& map,
                       std::int64_t failed) {
  JsonWriter about;
  about.begin_object().key("state").text(to_text(state));
  if (is_terminal(state)) about.key("ended_ms").number(to_ms(clock_.now));
  if (const auto began = opened_at(at)) about.key("started_ms").number(to_ms(*began));
  about.key("items").number(map.items).key("items_failed").number(failed);
  if (state == JobState::failed) {
    about.key("error").text(failed == 0 ? "the list has only " + counted(map.items, "item")
                                        : std::to_string(failed) + " of " +
                                              std::to_string(map.items) + " items failed");
  }
  edit_.write("n:" + at, about.end_object().take());
}

void RunStep::end_map(const Token& token, const Place& map_place, const MapCell& map,
                      std::int64_t failed) {
  const std::string at = write_place(map_place);
  const std::int64_t need = needed(node_of(token).map->policy, map.items);
  if (map.items - failed < need) {
    note_map(at, JobState::failed, map, failed);
    put_result(token, map_place, std::nullopt);
    return instance_done(token, map_place, {}, Kind::failed);
  }
  JsonWriter list;
  list.begin_object().key("$map").text(at).key("items").number(map.items);
  list.key("items_failed").number(failed).end_object();
  last_result_ = list.take();
  put_result(token, map_place, last_result_);
  // What a flow ends with is its output: the list itself has to be put together. Not while the run
  // fails: nothing begins then, and the map has ended and can be undone.
  const bool last =
      state_ == RunState::running && !token.spot.graph->leads_on(token.node, "default");
  const bool goes_on = node_of(token).concludes || last;
  note_map(at, goes_on ? JobState::running : JobState::succeeded, map, failed);
  if (goes_on) return job(token, map_place, Phase::post);
  instance_done(token, map_place, "default", Kind::taken);
}

}  // namespace penstock::rules
