// SPDX-License-Identifier: MIT
//
// Which step of which run a job is. The text of a ticket travels with the job, so whoever takes
// the job knows what to do, and a field of the run names the job for each step that is open.
//
// A place names an instance of a node for ever: NODE#VISIT, behind the flows that it lies in, and
// with the number of its item when it is one of a map:  outer#1[3]/each#2[17]
#pragma once

#include <penstock/result.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::rules {

struct PlaceSegment {
  std::string node = {};
  std::int64_t visit = 1;
  std::int64_t item = -1;  ///< -1: the node itself.
  friend bool operator==(const PlaceSegment&, const PlaceSegment&) = default;
};
using Place = std::vector<PlaceSegment>;  ///< The last segment is the node; never empty.

std::string write_place(const Place& place);
/// Errors: invalid.
Result<Place> read_place(std::string_view text);

/// The node of a place, behind the flows that it lies in: the place without its last visit.
std::string node_path(const Place& place);
/// The map that an item's place belongs to.
Place map_of(Place item);

/// What a step's job does.
enum class Phase : std::uint8_t {
  main,      ///< Runs the node: prep, exec, post; of a map: finds the list.
  item,      ///< One item of a map.
  post,      ///< Concludes a map or a flow inside.
  gate,      ///< Was answered, or its time is over.
  undo,      ///< Compensates the node.
  fire,      ///< Goes on firing nodes that were too many for one step.
  sweep,     ///< Wakes what waits, so that a failed run comes to its end.
  deadline,  ///< The run's time is over.
  cancel,    ///< The run around it has ended, or fails.
};
/// Its place is that of a node; of the others it holds what the step has to know.
constexpr bool is_of_node(Phase phase) {
  return phase != Phase::fire && phase != Phase::deadline && phase != Phase::cancel;
}
std::string_view to_text(Phase phase);
std::optional<Phase> parse_phase(std::string_view text);

/// The joins with inputs from before a loop and from behind it that a token has come through since:
/// by node, the tag of that visit, without the turn of a loop that begins there. By ~node those
/// that only what was skipped at another join has come through.
using PassedJoins = std::map<int, std::vector<int>>;
constexpr int join_of(int key) { return key < 0 ? ~key : key; }

struct NodeTicket {
  std::string run = {};
  std::string definition = {};  ///< Its hash.
  Place place = {};
  std::vector<int> tag = {};  ///< graph.h: in which turns of which loops the node is.
  PassedJoins passed = {};
  Phase phase = Phase::main;
  std::string stage = {};  ///< Of an item: where its list is. Another try of the map has another.
};

std::string write_ticket(const NodeTicket& ticket);
/// Errors: internal: only the engine writes them.
Result<NodeTicket> read_ticket(std::string_view text);

std::string write_tag(const std::vector<int>& tag, const PassedJoins& passed = {});
std::vector<int> read_tag(std::string_view text);
/// What is behind the tag.
PassedJoins read_passed(std::string_view text);

}  // namespace penstock::rules
