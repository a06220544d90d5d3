// SPDX-License-Identifier: MIT
//
// A node that runs once for each item of a list: a window of items is live, each that ends lets the
// next ones begin, the last one ends the node. A cell holds the counts, so a list of any length
// costs the same at each step.
#include "rules/duration.h"
#include "rules/json.h"
#include "rules/run_step.h"

#include <algorithm>
#include <charconv>

namespace penstock::rules {
namespace {

std::string_view cut(std::string_view& text) {
  const auto end = text.find('|');
  const std::string_view head = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return head;
}

std::int64_t cut_number(std::string_view& text) {
  const std::string_view head = cut(text);
  std::int64_t value = 0;
  std::from_chars(head.data(), head.data() + head.size(), value);
  return value;
}

Place map_of(const Place& item) {
  Place place = item;
  place.back().item = -1;
  return place;
}

}  // namespace

MapCell read_map(std::string_view text) {
  MapCell map;
  map.tag = cut(text);
  map.items = cut_number(text);
  map.next = cut_number(text);
  map.ok = cut_number(text);
  map.failed = cut_number(text);
  map.live = cut_number(text);
  map.stage = text;
  return map;
}

std::string RunStep::write_map(const MapCell& map) {
  std::string text = map.tag;
  for (const std::int64_t number : {map.items, map.next, map.ok, map.failed, map.live}) {
    text += '|' + std::to_string(number);
  }
  return text + '|' + map.stage;
}

std::string item_field(const MapCell& map, std::int64_t item) {
  return "mi:" + map.stage + ':' + std::to_string(item / stage_chunk);
}

void RunStep::begin_map(const NodeReport& report, const Token& token) {
  MapCell map{.tag = write_tag(token.tag), .stage = report.stage, .items = *report.items};
  if (map.items == 0) return end_map(token, report.place, map);
  release_items(token, report.place, map, static_cast<std::int64_t>(step_fires));
  edit_.write("m:" + write_place(report.place), write_map(map));
}

// The first step opens as much of the window as one step may, each later one at most two more: so
// any window is reached soon, and no step is large.
void RunStep::release_items(const Token& token, const Place& map_place, MapCell& map,
                            std::int64_t most) {
  const FlowNode& node = node_of(token);
  const std::int64_t window =
      node.map && node.map->parallel > 0 ? node.map->parallel : default_map_parallel;
  for (; most > 0 && map.live < window && map.next < map.items; --most) {
    Place place = map_place;
    place.back().item = map.next++;
    ++map.live;
    if (state_ != RunState::running) {
      park(token, place, Phase::item);
    } else if (node.kind == FlowNode::Kind::flow && !node.body->nodes.empty()) {
      open_body({.spot = token.spot, .node = token.node}, place);
    } else {
      put_job(token, place, Phase::item, node.task.empty() ? std::string(step_task) : node.task);
    }
  }
}

void RunStep::item_done(const Token& token, const Place& place, bool succeeded) {
  const Place map_place = map_of(place);
  const std::string cell = "m:" + write_place(map_place);
  MapCell map = read_map(edit_.read(cell).value_or(""));
  if (!succeeded && !tolerates(node_of(token), map)) {
    fail(place,
         "item " + std::to_string(place.back().item) + " of " + node_of(token).name + " failed");
    return park(token, place, Phase::item);
  }
  --map.live;
  ++(succeeded ? map.ok : map.failed);
  if (map.ok + map.failed == map.items) {
    edit_.erase(cell);
    Token whole = token;
    whole.tag = read_tag(map.tag);
    return end_map(whole, map_place, map);
  }
  release_items(token, map_place, map, 2);
  edit_.write(cell, write_map(map));
}

bool RunStep::tolerates(const FlowNode& node, const MapCell& map) const {
  if (!node.map) return false;
  const GroupPolicy& policy = node.map->policy;
  if (policy.kind == GroupPolicy::Kind::best_effort) return true;
  if (policy.kind != GroupPolicy::Kind::at_least) return false;
  return map.items - (map.failed + 1) >= policy.need;
}

void RunStep::end_map(const Token& token, const Place& map_place, const MapCell& map) {
  const std::string at = write_place(map_place);
  JsonWriter list;
  list.begin_object().key("$map").text(at).key("items").number(map.items);
  list.key("items_failed").number(map.failed).end_object();
  last_result_ = list.take();
  edit_.write("r:" + token.spot.scope + node_of(token).name, last_result_);
  if (node_of(token).concludes) return job(token, map_place, Phase::post);
  JsonWriter about;
  about.begin_object()
      .key("state")
      .text(to_text(JobState::succeeded))
      .key("ended_ms")
      .number(to_ms(clock_.now));
  about.key("items").number(map.items).key("items_failed").number(map.failed).end_object();
  edit_.write("n:" + at, about.take());
  instance_done(token, map_place, "default", Kind::taken);
}

}  // namespace penstock::rules
