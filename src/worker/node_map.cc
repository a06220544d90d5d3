// SPDX-License-Identifier: MIT
//
// The steps of a map: its list is staged, an item runs, its results are one list again.
#include "rules/json.h"
#include "rules/limits.h"
#include "rules/run_json.h"
#include "worker/node_run.h"

#include <algorithm>

namespace penstock {

using rules::FlowNode;
using rules::Phase;

rules::Outcome NodeRun::stage_map() {
  const auto path = or_throw(rules::Path::parse(node().map->over));
  const std::string list = path.evaluate([this](const rules::PathRoot& root) { return at(root); });
  auto items = rules::read_raw_list(list == "null" ? "[]" : list);
  if (!items) {
    throw NoRetry("map.over " + node().map->over + " leads to no list: " + list.substr(0, 80));
  }
  return stage(*std::move(items));
}

// Written in chunks before the job ends, under a name that only this attempt knows: nobody looks
// there until the job's end names it.
rules::Outcome NodeRun::stage(std::vector<std::string> items) {
  const std::string at = rules::write_place(ticket_.place);
  report_.stage = at + ':' + std::to_string(static_cast<std::uint64_t>(reserved_.fence));
  report_.items = static_cast<std::int64_t>(items.size());
  rules::RunChange change{.run = ticket_.run};
  change.expect.push_back({.name = "def", .value = ticket_.definition});
  std::size_t bytes = 0;
  const auto flush = [&] {
    if (!change.set.empty()) or_throw(reader_.write(change));
    change.set.clear();
    bytes = 0;
  };
  for (std::size_t i = 0; i < items.size(); i += rules::stage_chunk) {
    std::string chunk = "[";
    const std::size_t end =
        std::min(items.size(), i + static_cast<std::size_t>(rules::stage_chunk));
    for (std::size_t k = i; k < end; ++k) chunk += (k == i ? "" : ",") + items[k];
    chunk += ']';
    bytes += chunk.size();
    change.set.push_back(
        {.name = "mi:" + report_.stage + ':' + std::to_string(i / rules::stage_chunk),
         .value = std::move(chunk)});
    if (bytes > rules::step_bytes / 2) flush();
  }
  flush();
  return ended("null");
}

std::string NodeRun::item_at(const rules::Place& place) {
  const std::int64_t number = place.back().item;
  const bool own = place.size() == ticket_.place.size() && ticket_.phase == Phase::item;
  const auto cell = own ? rules::MapCell{.stage = ticket_.stage}
                        : or_throw(reader_.map(ticket_.run, rules::map_of(place)));
  auto item = or_throw(reader_.item(ticket_.run, cell, number));
  if (item) return *std::move(item);
  throw NoRetry("the list has no item " + std::to_string(number) + " any more");
}

rules::Outcome NodeRun::item() {
  item_ = item_at(ticket_.place);
  if (node().kind == FlowNode::Kind::child) return main();
  if (!task_ || !task_->node) return run_task();
  report_.prepared = item_;
  return ended(exec(*task_->node, *item_));
}

rules::Outcome NodeRun::post() {
  const std::string marker = map_mark();
  if (task_ && task_->node && task_->node->post) {
    const auto results = whole_map(marker);
    const auto post = [&] { return task_->node->post(*this, "null", *results); };
    return conclude(marker, once(*context_, post));
  }
  // What had no edge before has none now either.
  const std::string about = field("n:" + rules::write_place(ticket_.place)).value_or("{}");
  const auto object = rules::read_raw_object(about);
  const bool acted = object && object->contains("action");
  return conclude(marker, acted ? or_throw(rules::read_string(object->at("action"))) : "default");
}

// What a flow ends with is its output: the list itself, when it is no longer than a result may be.
rules::Outcome NodeRun::conclude(const std::string& marker, std::string action) {
  const bool ends = report_.terminate.has_value();
  if (!ends && located_.graph->leads_on(located_.node, action))
    return ended(marker, std::move(action));
  return ended(whole_map(marker, rules::max_result_bytes).value_or(marker), std::move(action));
}

void NodeRun::batch_part(AsyncNodeCall& call, const End& end) {
  using Part = AsyncNodeCall::Part;
  if (ticket_.phase == Phase::item) {
    call.part = Part::exec;
    call.kept = item_ = item_at(ticket_.place);
    return;
  }
  const bool concludes = ticket_.phase == Phase::post;
  const std::string marker = map_mark();
  call.part = concludes ? Part::post : Part::prep;
  if (concludes) call.kept = *whole_map(marker);
  call.end = [this, end, concludes, marker](std::exception_ptr thrown, const std::string& prepared,
                                            std::string action) {
    rules::Outcome outcome;
    try {
      if (!thrown && concludes) outcome = conclude(marker, std::move(action));
      if (!thrown && !concludes) outcome = stage_prepared(prepared);
    } catch (...) {
      thrown = std::current_exception();
    }
    end(thrown, std::move(outcome));
  };
}

rules::Outcome NodeRun::stage_prepared(const std::string& prepared) {
  auto items = rules::read_raw_list(prepared == "null" ? "[]" : prepared);
  if (!items) {
    throw NoRetry("prep of the batch " + node().name + " has to return a list, and returned " +
                  prepared.substr(0, 80));
  }
  const bool sets = node().kind == FlowNode::Kind::flow;
  for (const std::string& item : *items) {
    if (!sets || item.starts_with('{')) continue;
    throw NoRetry("the sets of the batch flow " + node().name + " have to be objects, and one is " +
                  item.substr(0, 80));
  }
  return stage(*std::move(items));
}

// A map's results lie in fields of their own; what failed is null.
std::optional<std::string> NodeRun::whole_map(const std::string& marker, std::size_t most) {
  if (!marker.starts_with(R"({"$map":)")) return marker;
  const auto object = or_throw(rules::read_raw_object(marker));
  const auto place = or_throw(rules::read_place(or_throw(rules::read_string(object.at("$map")))));
  const std::int64_t items = std::stoll(object.at("items"));
  std::string list = "[";
  std::vector<std::string> names;
  const auto flush = [&] {
    auto page = or_throw(reader_.fields(ticket_.run, names));
    for (const std::string& name : names) {
      const auto found = page.find(name);
      list += (list.size() > 1 ? "," : "") + (found == page.end() ? "null" : found->second);
    }
    names.clear();
  };
  for (std::int64_t i = 0; i < items; ++i) {
    names.push_back(rules::item_result(place, i));
    if (names.size() == 500) flush();
    if (list.size() > most) return std::nullopt;
  }
  if (!names.empty()) flush();
  list += ']';
  if (list.size() > most) return std::nullopt;
  return list;
}

}  // namespace penstock
