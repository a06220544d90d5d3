// SPDX-License-Identifier: MIT
//
// A definition as JSON text and back. Members that have their default are left out; nlohmann's
// objects are sorted by key, so equal definitions give equal text.
#include "rules/definition.h"

#include "rules/json.h"
#include "rules/limits.h"

#include <openssl/sha.h>
#include <nlohmann/json.hpp>

#include <array>

namespace penstock::rules {
namespace {

using nlohmann::json;

constexpr std::array<std::string_view, 5> kind_names = {"task", "code", "gate", "flow", "child"};
constexpr std::array<std::string_view, 7> ask_names = {
    "approval", "text", "selection", "selections", "custom", "event", "timer"};
constexpr std::array<std::string_view, 4> policy_names = {"strict", "best_effort", "at_least",
                                                          "critical"};

template <class Enum, std::size_t N>
std::optional<Enum> parse_name(const std::array<std::string_view, N>& names,
                               std::string_view text) {
  for (std::size_t i = 0; i < N; ++i) {
    if (names[i] == text) return static_cast<Enum>(i);
  }
  return std::nullopt;
}

template <class T>
void put(json& into, const char* key, const T& value, const T& usual = {}) {
  if (!(value == usual)) into[key] = value;
}

json write_policy(const GroupPolicy& policy) {
  json out = {{"kind", policy_names[static_cast<std::size_t>(policy.kind)]}};
  put(out, "need", policy.need);
  put(out, "critical", policy.critical);
  return out;
}

json write_flow(const FlowDefinition& definition);

json write_node(const FlowNode& node) {
  json out = {{"name", node.name}, {"kind", kind_names[static_cast<std::size_t>(node.kind)]}};
  put(out, "task", node.task);
  put(out, "queue", node.queue, std::string("default"));
  put(out, "pool", node.pool);
  put(out, "own", write_options(node.own));
  put(out, "local", node.local);
  put(out, "prepares", node.prepares);
  put(out, "concludes", node.concludes);
  put(out, "join", node.join);
  put(out, "with", node.with);
  put(out, "when", node.when);
  put(out, "params", node.params);
  put(out, "undo_task", node.undo_task);
  put(out, "undo_with", node.undo_with);
  if (node.map) {
    json map = {{"policy", write_policy(node.map->policy)}};
    put(map, "over", node.map->over);
    put(map, "parallel", node.map->parallel);
    out["map"] = std::move(map);
  }
  if (node.gate) {
    json gate = {{"ask", to_text(node.gate->ask)}};
    put(gate, "prompt", node.gate->prompt);
    put(gate, "choices", node.gate->choices);
    if (node.gate->deadline) gate["deadline_ms"] = node.gate->deadline->count();
    out["gate"] = std::move(gate);
  }
  if (node.body) out["body"] = write_flow(*node.body);
  for (const FlowEdge& edge : node.next) {
    out["next"].push_back(json::array({edge.action, edge.target}));
  }
  return out;
}

json write_flow(const FlowDefinition& definition) {
  const FlowLimits usual;
  const FlowLimits& limits = definition.limits;
  json out = {{"flow", definition.flow}, {"nodes", json::array()}};
  put(out, "start", definition.start);
  put(out, "max_steps", limits.max_steps, usual.max_steps);
  put(out, "max_visits", limits.max_visits);
  put(out, "max_cycles", limits.max_cycles, usual.max_cycles);
  put(out, "fail_on_missing", limits.fail_on_missing);
  if (limits.timeout) out["timeout_ms"] = limits.timeout->count();
  for (const FlowNode& node : definition.nodes) out["nodes"].push_back(write_node(node));
  for (const FlowGroup& group : definition.groups) {
    out["groups"].push_back(
        {{"name", group.name}, {"members", group.members}, {"policy", write_policy(group.policy)}});
  }
  return out;
}

GroupPolicy read_policy(const json& in) {
  return {.kind = parse_name<GroupPolicy::Kind>(policy_names, in.at("kind").get<std::string>())
                      .value_or(GroupPolicy::Kind::strict),
          .need = in.value("need", 0),
          .critical = in.value("critical", std::vector<std::string>{})};
}

FlowDefinition read_flow(const json& in);

FlowNode read_node(const json& in) {
  FlowNode node;
  node.name = in.at("name");
  const auto kind = parse_name<FlowNode::Kind>(kind_names, in.at("kind").get<std::string>());
  if (!kind) throw std::runtime_error("unknown kind of node " + node.name);
  node.kind = *kind;
  node.task = in.value("task", "");
  node.queue = in.value("queue", "default");
  node.pool = in.value("pool", "");
  node.own = read_options(in.value("own", "")).value_or(OwnOptions{});
  node.local = in.value("local", false);
  node.prepares = in.value("prepares", false);
  node.concludes = in.value("concludes", false);
  node.join = in.value("join", 0);
  node.with = in.value("with", "");
  node.when = in.value("when", "");
  node.params = in.value("params", "");
  node.undo_task = in.value("undo_task", "");
  node.undo_with = in.value("undo_with", "");
  if (const auto map = in.find("map"); map != in.end()) {
    node.map = NodeMap{.over = map->value("over", ""),
                       .parallel = map->value("parallel", 0),
                       .policy = read_policy(map->at("policy"))};
  }
  if (const auto gate = in.find("gate"); gate != in.end()) {
    node.gate =
        Gate{.ask = parse_ask(gate->at("ask").get<std::string>()).value_or(Gate::Ask::event),
             .prompt = gate->value("prompt", ""),
             .choices = gate->value("choices", std::vector<std::string>{})};
    if (gate->contains("deadline_ms")) {
      node.gate->deadline = Duration{gate->at("deadline_ms").get<std::int64_t>()};
    }
  }
  if (in.contains("body")) node.body = std::make_shared<FlowDefinition>(read_flow(in.at("body")));
  if (in.contains("next")) {
    for (const json& edge : in.at("next")) {
      node.next.push_back({.action = edge.at(0), .target = edge.at(1)});
    }
  }
  return node;
}

FlowDefinition read_flow(const json& in) {
  FlowDefinition definition;
  definition.flow = in.at("flow");
  definition.start = in.value("start", "");
  FlowLimits& limits = definition.limits;
  limits.max_steps = in.value("max_steps", limits.max_steps);
  limits.max_visits = in.value("max_visits", 0);
  limits.max_cycles = in.value("max_cycles", limits.max_cycles);
  limits.fail_on_missing = in.value("fail_on_missing", false);
  if (in.contains("timeout_ms")) limits.timeout = Duration{in.at("timeout_ms").get<std::int64_t>()};
  for (const json& node : in.at("nodes")) definition.nodes.push_back(read_node(node));
  if (in.contains("groups")) {
    for (const json& group : in.at("groups")) {
      definition.groups.push_back({.name = group.at("name"),
                                   .members = group.at("members").get<std::vector<std::string>>(),
                                   .policy = read_policy(group.at("policy"))});
    }
  }
  return definition;
}

}  // namespace

std::string write_definition(const FlowDefinition& definition) {
  return write_flow(definition).dump();
}

Result<FlowDefinition> read_definition(std::string_view text) {
  if (auto ok = check_json("definition", text, max_definition_bytes * 16); !ok) {
    return std::move(ok).error();
  }
  try {
    return read_flow(json::parse(text));
  } catch (const std::exception& e) {
    return Error{Errc::invalid, std::string("this is no definition of a flow: ") + e.what()};
  }
}

std::string content_hash(std::string_view text) {
  unsigned char digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  std::string hex;
  for (int i = 0; i < 16; ++i) {
    hex += "0123456789abcdef"[digest[i] >> 4];
    hex += "0123456789abcdef"[digest[i] & 15];
  }
  return hex;
}

std::string_view to_text(Gate::Ask ask) { return ask_names[static_cast<std::size_t>(ask)]; }

std::optional<Gate::Ask> parse_ask(std::string_view text) {
  return parse_name<Gate::Ask>(ask_names, text);
}

}  // namespace penstock::rules
