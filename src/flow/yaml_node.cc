// SPDX-License-Identifier: MIT
//
// One node of a flow's YAML: the tables of its keys, and what a node has to have in all.
#include "flow/yaml_loading.h"
#include "rules/backoff.h"
#include "rules/expression.h"
#include "rules/name.h"

#include <array>
#include <filesystem>

namespace penstock::flow {
namespace {

using Kind = YamlValue::Kind;
using rules::FlowNode;

constexpr int most_attempts = 1000, most_parallel = 1'000'000;

bool read_count(const YamlMember& from, std::int64_t most, int& into, const Findings& findings) {
  std::int64_t number = 0;
  if (!findings.integer(from, 1, most, number)) return false;
  into = static_cast<int>(number);
  return true;
}

// --- with, gate, map, retry, undo ---

constexpr std::array<YamlKey<rules::NodeMap>, 3> map_table = {{
    {"over",
     [](const YamlMember& from, rules::NodeMap& map, const Findings& findings) {
       std::string over;
       if (!findings.text(from, over)) return;
       if (auto ok = rules::Path::parse(over); !ok) {
         return findings.say_in(findings.spot(*from.value), "over: " + ok.error().message);
       }
       map.over = std::move(over);
     }},
    {"parallel",
     [](const YamlMember& from, rules::NodeMap& map, const Findings& findings) {
       read_count(from, most_parallel, map.parallel, findings);
     }},
    {"policy",
     [](const YamlMember& from, rules::NodeMap& map, const Findings& findings) {
       read_policy(from, map.policy, findings);
       if (map.policy.kind != rules::GroupPolicy::Kind::critical) return;
       map.policy = {};
       findings.say(from.value->place, "critical is for groups: items of a map have no names");
     }},
}};

constexpr std::array<YamlKey<rules::Gate>, 4> gate_table = {{
    {"ask",
     [](const YamlMember& from, rules::Gate& gate, const Findings& findings) {
       std::string text;
       if (!findings.text(from, text)) return;
       const auto ask = rules::parse_ask(text);
       if (ask) {
         gate.ask = *ask;
       } else {
         gate.ask = rules::Gate::Ask::custom;  // Of which nothing else is wrong.
         findings.say(from.value->place,
                      "ask is approval, text, selection, selections, custom, "
                      "event or timer, not " +
                          describe(*from.value));
       }
     }},
    {"prompt", [](const YamlMember& from, rules::Gate& gate,
                  const Findings& findings) { findings.text(from, gate.prompt); }},
    {"choices", [](const YamlMember& from, rules::Gate& gate,
                   const Findings& findings) { findings.texts(from, gate.choices); }},
    {"deadline",
     [](const YamlMember& from, rules::Gate& gate, const Findings& findings) {
       if (!findings.duration(from, gate.deadline)) gate.deadline = Duration{1};
     }},
}};

void read_gate(const YamlMember& from, NodeDraft& draft, const Findings& findings) {
  draft.deeds.push_back(&from);
  draft.node.kind = FlowNode::Kind::gate;
  rules::Gate& gate = draft.node.gate.emplace();
  if (!is_mapping(from, findings)) return;
  read_mapping<rules::Gate>(*from.value, "a gate", gate_table, gate, findings);
  draft.scope.loading.parts.emplace(YamlPart{.node = findings.node(), .part = "gate"},
                                    YamlSpot{.file = findings.file(), .place = from.place});
}

constexpr std::array<YamlKey<rules::OwnOptions>, 2> retry_table = {{
    {"max_attempts",
     [](const YamlMember& from, rules::OwnOptions& own, const Findings& findings) {
       int number = 0;
       if (read_count(from, most_attempts, number, findings)) own.max_attempts = number;
     }},
    {"backoff",
     [](const YamlMember& from, rules::OwnOptions& own, const Findings& findings) {
       std::string text;
       if (!findings.text(from, text)) return;
       auto backoff = rules::parse_backoff(text);
       if (!backoff) return findings.say(from.value->place, "backoff: " + backoff.error().message);
       own.backoff = *backoff;
     }},
}};

void read_command(const YamlMember& from, std::vector<std::string>& command,
                  const Findings& findings) {
  if (from.value->kind == Kind::text) {
    return findings.say(from.value->place, from.key +
                                               " has to be a list of texts, such as "
                                               "[python3, extract.py]: there is no shell");
  }
  if (findings.texts(from, command) && (command.empty() || command.front().empty())) {
    findings.say(from.value->place, from.key + " names no program");
  }
}

constexpr std::array<YamlKey<NodeDraft>, 3> undo_table = {{
    {"task", [](const YamlMember& from, NodeDraft& draft,
                const Findings& findings) { findings.name(from, "task", draft.node.undo_task); }},
    {"exec", [](const YamlMember& from, NodeDraft& draft,
                const Findings& findings) { read_command(from, draft.undo_exec, findings); }},
    {"with",
     [](const YamlMember& from, NodeDraft& draft, const Findings& findings) {
       read_paths(from, "undo.with", draft, draft.node.undo_with, findings);
     }},
}};

void read_undo(const YamlMember& from, NodeDraft& draft, const Findings& findings) {
  if (!is_mapping(from, findings)) return;
  read_mapping<NodeDraft>(*from.value, "undo", undo_table, draft, findings);
  int deeds = 0;
  for (const YamlMember& member : from.value->members) {
    if (member.key == "task" || member.key == "exec") ++deeds;
  }
  if (deeds != 1) findings.say(from.place, "undo needs either task or exec");
  if (!draft.undo_exec.empty()) {
    draft.node.undo_task = draft.scope.flow + '.' + draft.node.name + ".undo";
  }
}

// --- edges ---

void read_needs(const YamlMember& from, NodeDraft& draft, const Findings& findings) {
  Loading& loading = draft.scope.loading;
  if (from.value->kind != Kind::list) {
    loading.broken = true;
    return findings.say(from.value->place,
                        "needs has to be a list of nodes, not " + describe(*from.value));
  }
  for (const auto& item : from.value->items) {
    if (item->kind == Kind::text || item->kind == Kind::number) {
      draft.needs.push_back({.action = "default", .target = item->text, .place = item->place});
    } else {
      loading.broken = true;
      findings.say(item->place,
                   "needs has to be a list of nodes, and " + describe(*item) + " is in it");
    }
  }
}

void read_next(const YamlMember& from, NodeDraft& draft, const Findings& findings) {
  Loading& loading = draft.scope.loading;
  if (from.value->kind != Kind::map) {
    loading.broken = true;
    return findings.say(from.value->place,
                        "next has to be a mapping of actions to nodes, such as "
                        "{default: load}, not " +
                            describe(*from.value));
  }
  for (const YamlMember& member : from.value->members) {
    const auto lead_to = [&](const YamlValue& target) {
      if (target.kind == Kind::text || target.kind == Kind::number) {
        draft.next.push_back({.action = member.key, .target = target.text, .place = target.place});
      } else {
        loading.broken = true;
        findings.say(target.place, "next." + member.key +
                                       " has to be a node, a list of nodes, or "
                                       "end, not " +
                                       describe(target));
      }
    };
    if (member.key.empty()) findings.say(member.place, "an action has no name");
    loading.parts.emplace(YamlPart{.node = findings.node(), .part = "next." + member.key},
                          YamlSpot{.file = findings.file(), .place = member.place});
    if (member.value->kind != Kind::list) {
      lead_to(*member.value);
      continue;
    }
    for (const auto& target : member.value->items) lead_to(*target);
  }
}

// --- the flow of a node ---

void read_body(const YamlMember& from, NodeDraft& draft, const Findings& findings) {
  draft.deeds.push_back(&from);
  draft.node.kind = FlowNode::Kind::child;
  Loading& loading = draft.scope.loading;
  const std::string path = draft.scope.prefix + draft.node.name;
  const bool in_file = from.value->kind == Kind::text;
  if (!in_file && from.value->kind != Kind::map) {
    loading.broken = true;
    return findings.say(from.value->place,
                        "flow has to be a file, or the flow itself as a "
                        "mapping, not " +
                            describe(*from.value));
  }
  if (loading.depth >= rules::max_flow_depth) {
    loading.broken = true;
    return findings.say(from.place, "flows in flows go " + std::to_string(rules::max_flow_depth) +
                                        " deep at most: make it a flow of its own");
  }
  const std::string usual_name = draft.scope.flow + '.' + draft.node.name;
  rules::FlowDefinition body;
  if (in_file) {
    const std::string file = path_of(from.value->text, findings.file());
    const auto root = open_file(file, loading, findings, from.value->place);
    if (!root) return;
    const Findings inside(loading.problems, file);
    body = read_flow(*root, {}, path + '/', loading, inside);
    loading.open_files.pop_back();
  } else {
    body = read_flow(*from.value, usual_name, path + '/', loading, findings);
  }
  draft.node.body = std::make_shared<const rules::FlowDefinition>(std::move(body));
}

constexpr std::array<YamlKey<NodeDraft>, 16> node_table = {{
    {"exec",
     [](const YamlMember& from, NodeDraft& draft, const Findings& findings) {
       draft.deeds.push_back(&from);
       read_command(from, draft.exec, findings);
       draft.node.task = draft.scope.flow + '.' + draft.node.name;
     }},
    {"task",
     [](const YamlMember& from, NodeDraft& draft, const Findings& findings) {
       draft.deeds.push_back(&from);
       if (!findings.name(from, "task", draft.node.task)) draft.scope.loading.broken = true;
     }},
    {"flow", read_body},
    {"gate", read_gate},
    {"with",
     [](const YamlMember& from, NodeDraft& draft, const Findings& findings) {
       read_paths(from, "with", draft, draft.node.with, findings);
     }},
    {"needs", read_needs},
    {"next", read_next},
    {"map",
     [](const YamlMember& from, NodeDraft& draft, const Findings& findings) {
       rules::NodeMap& map = draft.node.map.emplace();
       map.over = "$.input";  // Of which nothing else is wrong, unless it says another.
       if (!is_mapping(from, findings)) return;
       read_mapping<rules::NodeMap>(*from.value, "a map", map_table, map, findings);
       const auto over = std::ranges::find(from.value->members, "over", &YamlMember::key);
       if (over == from.value->members.end()) {
         return findings.say(from.place, "a map needs over: a path to a list");
       }
       note_path(*over->value, "map.over", draft, findings);
     }},
    {"when",
     [](const YamlMember& from, NodeDraft& draft, const Findings& findings) {
       if (!findings.text(from, draft.node.when)) return;
       note_path(*from.value, "when", draft, findings);
       if (auto ok = rules::Expression::parse(draft.node.when); !ok) {
         findings.say_in(findings.spot(*from.value), "when: " + ok.error().message);
       }
     }},
    {"retry",
     [](const YamlMember& from, NodeDraft& draft, const Findings& findings) {
       if (!is_mapping(from, findings)) return;
       read_mapping<rules::OwnOptions>(*from.value, "retry", retry_table, draft.node.own, findings);
     }},
    {"timeout", [](const YamlMember& from, NodeDraft& draft,
                   const Findings& findings) { findings.duration(from, draft.node.own.timeout); }},
    {"pool", [](const YamlMember& from, NodeDraft& draft,
                const Findings& findings) { findings.name(from, "pool", draft.node.pool); }},
    {"queue", [](const YamlMember& from, NodeDraft& draft,
                 const Findings& findings) { findings.name(from, "queue", draft.node.queue); }},
    {"undo", read_undo},
    {"join",
     [](const YamlMember& from, NodeDraft& draft, const Findings& findings) {
       if (from.value->kind != Kind::text) {
         read_count(from, most_parallel, draft.node.join, findings);
       } else if (from.value->text == "any") {
         draft.node.join = 1;
       } else if (from.value->text != "all") {
         findings.say(from.value->place,
                      "join is all, any or a number, not " + describe(*from.value));
       }
     }},
    {"local", [](const YamlMember& from, NodeDraft& draft,
                 const Findings& findings) { findings.boolean(from, draft.node.local); }},
}};

void check_deeds(const YamlMember& from, NodeDraft& draft, const Findings& findings) {
  Loading& loading = draft.scope.loading;
  if (draft.deeds.size() != 1) {
    std::string all;
    for (const YamlMember* deed : draft.deeds) all += (all.empty() ? "" : " and ") + deed->key;
    loading.broken = true;
    findings.say(from.place, draft.deeds.empty()
                                 ? "it says nothing to do: give it exec, task, flow or gate"
                                 : "it has " + all + ": give it one of them");
  }
  if (!draft.node.gate) return;
  for (const YamlMember& member : from.value->members) {
    const bool of_jobs = member.key == "retry" || member.key == "timeout" || member.key == "with";
    if (of_jobs) {
      findings.say(member.place, "a gate has no " + member.key +
                                     (member.key == "timeout" ? ": it has a deadline" : ""));
    }
  }
}

void keep_program(const NodeDraft& draft, const std::vector<std::string>& command,
                  const std::string& task, YamlPlace place, const Findings& findings) {
  if (command.empty()) return;
  FlowProgram program{.task = task,
                      .command = command,
                      .folder = std::filesystem::path(findings.file()).parent_path().string()};
  auto& programs = draft.scope.loading.programs;
  const auto same = std::ranges::find(programs, task, &FlowProgram::task);
  if (same == programs.end()) {
    programs.push_back(std::move(program));
  } else if (!(*same == program)) {
    findings.say(place, "another program is called " + task + " already: rename its flow");
  }
}

}  // namespace

NodeDraft read_node(const YamlMember& from, FlowScope& scope, const Findings& all) {
  const Findings findings = all.about(scope.prefix + from.key);
  NodeDraft draft{.scope = scope};
  draft.node.name = from.key;
  scope.loading.places.emplace(scope.prefix + from.key, std::pair(all.file(), from.place));
  if (!is_mapping(from, findings)) {
    scope.loading.broken = true;
    return draft;
  }
  read_mapping<NodeDraft>(*from.value, "a node", node_table, draft, findings);
  check_deeds(from, draft, findings);
  keep_program(draft, draft.exec, draft.node.task, from.place, findings);
  keep_program(draft, draft.undo_exec, draft.node.undo_task, from.place, findings);
  return draft;
}

std::map<std::string, std::vector<std::string>> node_keys() {
  return {{"node", names_of<NodeDraft>(node_table)},
          {"gate", names_of<rules::Gate>(gate_table)},
          {"map", names_of<rules::NodeMap>(map_table)},
          {"retry", names_of<rules::OwnOptions>(retry_table)},
          {"undo", names_of<NodeDraft>(undo_table)}};
}

std::string path_of(const std::string& file, const std::string& beside) {
  return (std::filesystem::path(beside).parent_path() / file).lexically_normal().string();
}

}  // namespace penstock::flow
