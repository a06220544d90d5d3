// SPDX-License-Identifier: MIT
//
// What a step sees of the other nodes: their results and their errors.
#include "rules/run_json.h"
#include "rules/turn_result.h"
#include "worker/node_run.h"

namespace penstock {

// Of the flow at this depth around the step: where the step, or the flow that it is in, is there.
rules::Standpoint NodeRun::standpoint(const rules::Graph& graph, std::size_t depth) {
  rules::Standpoint at{.node = graph.find(ticket_.place[depth].node)};
  if (depth + 1 == ticket_.place.size()) {
    at.tag = ticket_.tag;
    at.passed = ticket_.passed;
  } else {
    const rules::Place flow(ticket_.place.begin(),
                            ticket_.place.begin() + static_cast<std::ptrdiff_t>(depth + 1));
    const std::string tag = flow.back().item < 0
                                ? field("b:" + rules::write_place(flow)).value_or("")
                                : or_throw(reader_.map(ticket_.run, rules::map_of(flow))).tag;
    at.tag = rules::read_tag(tag);
    at.passed = rules::read_passed(tag);
  }
  return at;
}

// The result of a node of that flow, as this step sees it.
std::optional<NodeRun::Seen> NodeRun::seen(std::string_view name, std::size_t depth) {
  const rules::Place outer(ticket_.place.begin(),
                           ticket_.place.begin() + static_cast<std::ptrdiff_t>(depth));
  const std::string scope = outer.empty() ? "" : rules::write_place(outer) + '/';
  const std::string path = scope + std::string(name);
  rules::Place place = outer;
  place.push_back({.node = std::string(name)});
  const auto located = rules::locate(*pinned_.graph, place);
  if (!located) return std::nullopt;
  const rules::Graph& graph = *located->graph;
  const rules::Graph::Node& node = graph.nodes()[located->node];
  Seen visit{.maps = node.node->map.has_value()};
  if (node.overlaps) {
    const auto of_turn = rules::seen_from(graph, standpoint(graph, depth), located->node, scope,
                                          [this](const std::string& one) { return field(one); });
    if (!of_turn) return std::nullopt;
    visit.number = of_turn->visit;
    visit.result = of_turn->result;
  } else {
    visit.number = std::stoll(field("v:" + path).value_or("1"));
    visit.result = field("r:" + path);
  }
  return visit;
}

// In the flow that the node lies in, then in those around it.
std::optional<std::string> NodeRun::result(std::string_view name) {
  const auto own = results_.find(std::string(name));
  if (own != results_.end()) return own->second;
  // What is undone is what that visit did.
  if (ticket_.phase == rules::Phase::undo && name == node().name) {
    if (const auto of_visit = field("ur:" + rules::write_place(ticket_.place))) {
      return node().map ? whole_map(*of_visit) : of_visit;
    }
  }
  for (std::size_t depth = ticket_.place.size(); depth > 0; --depth) {
    const auto found = seen(name, depth - 1);
    if (!found || !found->result) continue;
    // By the graph: a result may look like the mark of a map and be none.
    return found->maps ? whole_map(*found->result) : found->result;
  }
  return std::nullopt;
}

std::optional<std::string> NodeRun::error_of(std::string_view name) {
  const auto visit = seen(name, ticket_.place.size() - 1);
  if (!visit) return std::nullopt;
  const auto about =
      field("n:" + located_.scope + std::string(name) + '#' + std::to_string(visit->number));
  if (!about) return std::nullopt;
  const auto object = rules::read_raw_object(*about);
  if (!object || !object->contains("error")) return std::nullopt;
  return object->at("error");
}

std::string NodeRun::map_mark() {
  const auto own = seen(node().name, ticket_.place.size() - 1);
  return own && own->result ? *own->result : "null";
}

}  // namespace penstock
