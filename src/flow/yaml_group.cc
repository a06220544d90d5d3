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

namespace {

// What rules::check_groups calls the parts of a group.
class PartsOfGroup {
 public:
  PartsOfGroup(std::string path, const std::string& group, Loading& loading,
               const Findings& findings)
      : path_(std::move(path)), part_("groups." + group), loading_(loading), findings_(findings) {}

  void note(const YamlValue& group) {
    for (const YamlMember& member : group.members) {
      if (member.key == "nodes") note_names(*member.value, ".nodes");
      if (member.key == "policy") {
        note(".policy", {}, *member.value);
        for (const YamlMember& one : member.value->members) note_names(*one.value, ".policy");
      }
    }
  }

 private:
  void note_names(const YamlValue& list, const std::string& part) {
    std::set<std::string_view> seen;
    for (const auto& name : list.items) {
      note(seen.insert(name->text).second ? part : ".again", name->text, *name);
    }
  }
  void note(const std::string& part, const std::string& value, const YamlValue& where) {
    loading_.parts.emplace(YamlPart{.node = path_, .part = part_ + part, .value = value},
                           findings_.spot(where));
  }

  std::string path_, part_;
  Loading& loading_;
  const Findings& findings_;
};

}  // namespace

void read_groups(const YamlMember& from, const std::string& path, std::vector<FlowGroup>& groups,
                 Loading& loading, const Findings& findings) {
  if (!is_mapping(from, findings)) return;
  for (const YamlMember& member : from.value->members) {
    if (!is_mapping(member, findings)) continue;
    FlowGroup group{.name = member.key};
    read_mapping<FlowGroup>(*member.value, "a group", group_table, group, findings);
    if (group.members.empty()) {
      findings.say(member.place, "group \"" + rules::printable(member.key) +
                                     "\" has no nodes: write nodes: [NAME, ...]");
    }
    PartsOfGroup(path, group.name, loading, findings).note(*member.value);
    groups.push_back(std::move(group));
  }
}

std::map<std::string, std::vector<std::string>> group_keys() {
  return {{"group", names_of<FlowGroup>(group_table)},
          {"policy", names_of<GroupPolicy>(policy_table)}};
}

}  // namespace penstock::flow
