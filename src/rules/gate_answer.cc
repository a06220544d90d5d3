// SPDX-License-Identifier: MIT
//
// Answering a gate: what fits what was asked, and which action it means.
#include "rules/advance.h"
#include "rules/duration.h"
#include "rules/json.h"
#include "rules/limits.h"
#include "rules/run_json.h"
#include "rules/whole_number.h"

#include <algorithm>

namespace penstock::rules {
namespace {

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

Error unfit(std::string_view what, std::string_view answer) {
  return Error{Errc::invalid,
               "the answer is " + std::string(what) + ", not " + std::string(answer.substr(0, 80))};
}

Result<std::string> approval(std::string_view answer) {
  std::string said(answer);
  if (const auto object = read_raw_object(answer)) {
    const auto approved = object->find("approved");
    if (approved != object->end()) said = approved->second;
  }
  if (said == "true" || said == R"("approved")") return std::string("approved");
  if (said == "false" || said == R"("rejected")") return std::string("rejected");
  return unfit("true or false, or an object with \"approved\"", answer);
}

Result<std::string> selection(const Gate& gate, std::string_view answer) {
  auto choice = read_string(answer);
  const bool known = choice && std::ranges::find(gate.choices, *choice) != gate.choices.end();
  if (!known) return unfit("one of " + listed(gate.choices) + ", as a JSON string", answer);
  return choice;
}

Result<std::string> selections(const Gate& gate, std::string_view answer) {
  const auto choices = read_string_list(answer);
  const bool known = choices && std::ranges::all_of(*choices, [&](const std::string& choice) {
                       return std::ranges::find(gate.choices, choice) != gate.choices.end() &&
                              std::ranges::count(*choices, choice) == 1;
                     });
  if (!known) return unfit("a JSON list of " + listed(gate.choices) + ", each once", answer);
  return std::string("default");
}

Result<std::string> action_of(const Gate& gate, std::string_view answer) {
  switch (gate.ask) {
    case Gate::Ask::approval:
      return approval(answer);
    case Gate::Ask::selection:
      return selection(gate, answer);
    case Gate::Ask::selections:
      return selections(gate, answer);
    case Gate::Ask::text:
      if (!read_string(answer)) return unfit("text, as a JSON string", answer);
      return std::string("default");
    case Gate::Ask::timer:
      return Error{Errc::invalid, "it waits for a time, nobody can answer it"};
    default:
      break;
  }
  if (const auto object = read_raw_object(answer)) {
    const auto action = object->find("$action");
    if (action == object->end()) return std::string("default");
    auto name = read_string(action->second);
    if (name) return name;
    return Error{Errc::invalid,
                 "the answer's $action has to be text, not " + action->second.substr(0, 80)};
  }
  return std::string("default");
}

}  // namespace

// What action_of, the answer to a selection and the end of a gate or a map make of it.
std::optional<std::vector<std::string>> actions_of(const FlowNode& node) {
  if (node.map && !node.concludes) return std::vector<std::string>{"default"};
  if (!node.gate) return std::nullopt;
  std::vector<std::string> actions;
  switch (node.gate->ask) {
    case Gate::Ask::timer:
      return std::vector<std::string>{"default"};
    case Gate::Ask::custom:
    case Gate::Ask::event:
      return std::nullopt;
    case Gate::Ask::approval:
      actions = {"approved", "rejected"};
      break;
    case Gate::Ask::selection:
      actions = node.gate->choices;
      actions.emplace_back("default");
      break;
    default:
      actions = {"default"};
  }
  if (node.gate->deadline) actions.emplace_back("timed_out");
  return actions;
}

namespace {

// Of a place in a run that one of its nodes has started.
Result<void> check_in_this_run(const PinnedGraph& flow, const Place& place, RunEdit& edit) {
  for (std::size_t length = 1; length < place.size(); ++length) {
    const Place outer(place.begin(), place.begin() + static_cast<std::ptrdiff_t>(length));
    const auto at = locate(*flow.graph, outer);
    if (!at || at->graph->nodes()[at->node].node->kind != FlowNode::Kind::child) continue;
    const auto inside = edit.read("k:" + write_place(outer));
    if (!inside) return Error{Errc::not_found, "node " + write_place(outer) + " has not begun"};
    return Error{Errc::not_found, "gate " + place.back().node + " is in run " + *inside +
                                      ", which node " + write_place(outer) +
                                      " started: answer it there"};
  }
  return {};
}

Result<void> check_open(const std::string& name, const StepClock& clock, RunEdit& edit) {
  const auto state = parse_run_state(edit.read("state").value_or(""));
  const auto known = edit.read("g:" + name);
  if (!known || !state) {
    return Error{Errc::not_found, "gate " + name + " does not wait in this run"};
  }
  if (*known != "open") {
    return Error{Errc::conflict, *known == "timed_out" ? "gate " + name + " has timed out"
                                                       : "gate " + name + " is answered already"};
  }
  if (*state != RunState::running) {
    return Error{Errc::conflict, "the run is " + std::string(to_text(*state))};
  }
  // No worker may have been there to see it pass, here or for the gate.
  const std::int64_t ends = edit.read_number("until");
  if (ends > 0 && clock.now > from_ms(ends)) {
    return Error{Errc::conflict, "the run has timed out"};
  }
  const auto about = read_raw_object(edit.read("n:" + name).value_or(""));
  if (!about || !about->contains("until_ms")) return {};
  const auto until = whole_number(about->at("until_ms"));
  if (!until || clock.now < from_ms(*until)) return {};
  return Error{Errc::conflict, "gate " + name + " has timed out"};
}

}  // namespace

Result<void> answer_gate(const PinnedGraph& flow, const Place& place, std::string_view answer,
                         std::string_view by, const StepClock& clock, RunEdit& edit) {
  const auto at = locate(*flow.graph, place);
  if (!at) return at.error();
  const FlowNode& node = *at->graph->nodes()[at->node].node;
  const std::string name = write_place(place);
  if (!node.gate) return Error{Errc::not_found, "node " + name + " is no gate"};
  if (auto ok = check_in_this_run(flow, place, edit); !ok) return ok;
  if (auto ok = check_open(name, clock, edit); !ok) return ok;
  if (auto ok = check_json("answer", answer, max_payload_bytes); !ok) return ok;
  auto action = action_of(*node.gate, answer);
  if (!action) return std::move(action).error();
  if (node.gate->ask == Gate::Ask::selection) {
    const bool has_edge = std::ranges::any_of(
        node.next, [&](const FlowEdge& edge) { return edge.action == *action; });
    if (!has_edge) *action = "default";
  }
  JsonWriter written;
  written.begin_object().key("action").text(*action).key("answer").raw(answer);
  if (!by.empty()) written.key("by").text(by);
  written.key("at_ms").number(to_ms(clock.now)).end_object();
  edit.write("g:" + name, written.take());
  // It waits for a worker now, and for nobody's answer.
  auto about = read_raw_object(edit.read("n:" + name).value_or("")).value_or({});
  for (const char* asked : {"waits_for", "prompt", "choices", "until_ms"}) about.erase(asked);
  about["state"] = '"' + std::string(to_text(JobState::ready)) + '"';
  edit.write("n:" + name, write_raw_object(about));
  edit.wake("j:" + name);
  return {};
}

}  // namespace penstock::rules
