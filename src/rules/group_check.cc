// SPDX-License-Identifier: MIT
#include "rules/group_check.h"

#include "rules/counted.h"
#include "rules/json.h"
#include "rules/name.h"

#include <algorithm>
#include <set>

namespace penstock::rules {
namespace {

class GroupCheck {
 public:
  GroupCheck(const Graph& graph, std::vector<FlowProblem>& problems)
      : graph_(graph), problems_(problems) {}

  void group(const FlowGroup& group) {
    name_ = group.name;
    if (valid_utf8(name_) != name_) {
      return say({}, {}, "the name of group " + printable(name_) + " is no UTF-8");
    }
    std::set<int> members;
    for (const std::string& name : group.members) take(name, members);
    check_policy(group, members);
  }

 private:
  void take(const std::string& name, std::set<int>& members) {
    const int node = graph_.find(name);
    const std::string names = "group " + printable(name_) + " names \"" + printable(name) + '"';
    if (node < 0) return say(".nodes", name, names + ", which is no node of this flow");
    if (!members.insert(node).second) return say(".again", name, names + " twice");
    const auto [known, is_new] = group_of_.emplace(node, name_);
    if (is_new) return;
    say(".nodes", name,
        names + ", which is in group " + printable(known->second) +
            " already: a node is in one group");
  }

  void check_policy(const FlowGroup& group, const std::set<int>& members) {
    const std::string who = "group " + printable(name_);
    for (const std::string& name : group.policy.critical) {
      if (std::ranges::find(group.members, name) != group.members.end()) continue;
      say(".policy", name,
          "critical of " + who + " names \"" + printable(name) + "\", which is no member of it");
    }
    const int need = group.policy.need;
    const auto count = static_cast<int>(members.size());
    const std::string needs = who + " needs " + std::to_string(need);
    if (need > count) {
      say(".policy", {}, needs + " of " + counted(count, "member"));
    } else if (group.policy.kind == GroupPolicy::Kind::at_least && !is_judged(members, need)) {
      say(".policy", {},
          needs +
              ", and no node waits for so many of them to judge whether it has them: lead its "
              "members to one");
    }
  }

  // A node with one input is skipped when that has failed.
  [[nodiscard]] bool is_judged(const std::set<int>& members, int need) const {
    std::map<int, std::set<int>> judges;
    for (const int member : members) {
      for (const int e : graph_.nodes()[member].out) {
        if (graph_.edges()[e].to >= 0) judges[graph_.edges()[e].to].insert(member);
      }
    }
    return std::ranges::any_of(judges, [&](const auto& one) {
      const bool waits = graph_.nodes()[one.first].in.size() > 1;
      return waits && static_cast<int>(one.second.size()) >= std::max(need, 1);
    });
  }

  void say(std::string_view part, const std::string& value, std::string text) {
    problems_.push_back(
        {.text = std::move(text), .part = "groups." + name_ + std::string(part), .value = value});
  }

  const Graph& graph_;
  std::vector<FlowProblem>& problems_;
  std::string name_ = {};
  std::map<int, std::string> group_of_ = {};
};

}  // namespace

void check_groups(const Graph& graph, std::vector<FlowProblem>& problems) {
  GroupCheck check(graph, problems);
  for (const FlowGroup& group : graph.definition().groups) check.group(group);
}

}  // namespace penstock::rules
