// SPDX-License-Identifier: MIT
//
// Groups of a flow's YAML, and the policies of groups and maps: what may fail without failing the
// run.
#include "flow/yaml_loading.h"
#include "rules/name.h"

#include <array>
#include <limits>

namespace penstock::flow {
namespace {

using Kind = YamlValue::Kind;
using rules::FlowGroup;
using rules::GroupPolicy;

constexpr std::array<YamlKey<GroupPolicy>, 2> policy_table = {{
    {"at_least",
     [](const YamlMember& from, GroupPolicy& policy, const Findings& findings) {
       policy.kind = GroupPolicy::Kind::at_least;
       std::int64_t need = 0;
       if (findings.integer(from, 1, std::numeric_limits<int>::max(), need)) {
         policy.need = static_cast<int>(need);
       }
     }},
    {"critical",
     [](const YamlMember& from, GroupPolicy& policy, const Findings& findings) {
       policy.kind = GroupPolicy::Kind::critical;
       findings.texts(from, policy.critical);
     }},
}};

constexpr std::array<YamlKey<FlowGroup>, 2> group_table = {{
    {"nodes", [](const YamlMember& from, FlowGroup& group,
                 const Findings& findings) { findings.texts(from, group.members); }},
    {"policy", [](const YamlMember& from, FlowGroup& group,
                  const Findings& findings) { read_policy(from, group.policy, findings); }},
}};

}  // namespace

void read_policy(const YamlMember& from, GroupPolicy& policy, const Findings& findings) {
  const YamlValue& value = *from.value;
  if (value.kind == Kind::text && value.text == "strict") return;
  if (value.kind == Kind::text && value.text == "best_effort") {
    policy.kind = GroupPolicy::Kind::best_effort;
    return;
  }
  if (value.kind != Kind::map || value.members.size() != 1) {
    return findings.say(value.place,
                        "policy is strict, best_effort, {at_least: N} or "
                        "{critical: [NODE]}, not " +
                            describe(value));
  }
  read_mapping<GroupPolicy>(value, "a policy", policy_table, policy, findings);
}

void read_groups(const YamlMember& from, std::vector<FlowGroup>& groups, const Findings& findings) {
  if (!is_mapping(from, findings)) return;
  for (const YamlMember& member : from.value->members) {
    if (!is_mapping(member, findings)) continue;
    FlowGroup group{.name = member.key};
    read_mapping<FlowGroup>(*member.value, "a group", group_table, group, findings);
    if (group.members.empty()) {
      findings.say(member.place, "group \"" + rules::printable(member.key) +
                                     "\" has no nodes: write nodes: [NAME, ...]");
    }
    groups.push_back(std::move(group));
  }
}

std::map<std::string, std::vector<std::string>> group_keys() {
  return {{"group", names_of<FlowGroup>(group_table)},
          {"policy", names_of<GroupPolicy>(policy_table)}};
}

}  // namespace penstock::flow
