// SPDX-License-Identifier: MIT
#include "rules/node_ticket.h"

#include "rules/check.h"
#include "rules/cut.h"
#include "rules/whole_number.h"

namespace penstock::rules {
namespace {

constexpr std::string_view phase_names[] = {"main", "item",  "post",     "gate",  "undo",
                                            "fire", "sweep", "deadline", "cancel"};

Error no_place(std::string_view text) {
  return Error{Errc::invalid, "\"" + std::string(text) +
                                  "\" names no node of a run: write NODE, NODE#VISIT, "
                                  "MAP#VISIT[ITEM] or FLOW#1/NODE#2"};
}

}  // namespace

std::string write_place(const Place& place) {
  std::string text;
  for (const PlaceSegment& segment : place) {
    if (!text.empty()) text += '/';
    text += segment.node + '#' + std::to_string(segment.visit);
    if (segment.item >= 0) text += '[' + std::to_string(segment.item) + ']';
  }
  return text;
}

std::string node_path(const Place& place) {
  const Place outer(place.begin(), place.end() - 1);
  return (outer.empty() ? "" : write_place(outer) + '/') + place.back().node;
}

Place map_of(Place item) {
  item.back().item = -1;
  return item;
}

Result<Place> read_place(std::string_view text) {
  Place place;
  for (std::string_view rest = text; !rest.empty();) {
    std::string_view part = cut(rest, '/');
    PlaceSegment segment;
    segment.node = part.substr(0, part.find_first_of("#["));
    part.remove_prefix(segment.node.size());
    if (segment.node.empty() || part == "#") return no_place(text);
    if (!part.empty() && part.back() == ']') {
      part.remove_suffix(1);
      const auto open = part.find('[');
      const auto item =
          open == std::string_view::npos ? std::nullopt : whole_number(part.substr(open + 1));
      if (!item) return no_place(text);
      segment.item = *item;
      part = part.substr(0, open);
    }
    if (!part.empty()) {
      const auto visit = whole_number(part.substr(1));
      if (!visit || *visit < 1) return no_place(text);
      segment.visit = *visit;
    }
    place.push_back(std::move(segment));
  }
  if (place.empty() || text.ends_with('/')) return no_place(text);
  return place;
}

std::string_view to_text(Phase phase) { return phase_names[static_cast<std::size_t>(phase)]; }

std::optional<Phase> parse_phase(std::string_view text) {
  for (std::size_t i = 0; i < std::size(phase_names); ++i) {
    if (phase_names[i] == text) return static_cast<Phase>(i);
  }
  return std::nullopt;
}

// TURN.TURN;JOIN=TURN.TURN;JOIN=TURN
std::string write_tag(const std::vector<int>& tag, const PassedJoins& passed) {
  std::string text;
  for (std::size_t i = 0; i < tag.size(); ++i) text += (i > 0 ? "." : "") + std::to_string(tag[i]);
  for (const auto& [join, at] : passed) {
    text += ';' + std::to_string(join) + '=' + write_tag(at);
  }
  return text;
}

std::vector<int> read_tag(std::string_view text) {
  std::vector<int> tag;
  std::string_view turns = cut(text, ';');
  while (!turns.empty()) tag.push_back(static_cast<int>(whole_number(cut(turns, '.')).value_or(0)));
  return tag;
}

PassedJoins read_passed(std::string_view text) {
  PassedJoins passed;
  cut(text, ';');
  while (!text.empty()) {
    std::string_view at = cut(text, ';');
    const auto join = static_cast<int>(whole_number(cut(at, '=')).value_or(0));
    passed[join] = read_tag(at);
  }
  return passed;
}

// RUN|HASH|PHASE|TAG|PLACE, or |PLACE|STAGE of an item: a place may hold anything but a bar.
std::string write_ticket(const NodeTicket& ticket) {
  std::string text = ticket.run + '|' + ticket.definition + '|';
  text += to_text(ticket.phase);
  text += '|' + write_tag(ticket.tag, ticket.passed) + '|' + write_place(ticket.place);
  return ticket.stage.empty() ? text : text + '|' + ticket.stage;
}

Result<NodeTicket> read_ticket(std::string_view text) {
  std::string_view rest = text;
  NodeTicket ticket;
  ticket.run = cut(rest, '|');
  ticket.definition = cut(rest, '|');
  const auto phase = parse_phase(cut(rest, '|'));
  const std::string_view tag = cut(rest, '|');
  ticket.tag = read_tag(tag);
  ticket.passed = read_passed(tag);
  const std::string_view at = cut(rest, '|');
  auto place = at.empty() ? Result<Place>(Place{}) : read_place(at);
  ticket.stage = rest;
  if (!phase || !place || ticket.run.empty()) {
    return Error{Errc::internal, "a job's ticket is unreadable: " + std::string(text)};
  }
  ticket.phase = *phase;
  ticket.place = *std::move(place);
  return ticket;
}

}  // namespace penstock::rules
