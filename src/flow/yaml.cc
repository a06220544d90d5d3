// SPDX-License-Identifier: MIT
//
// A flow's YAML as a whole: its own keys, its nodes, the edges between them, and what its graph
// has to say.
#include "flow/yaml.h"

#include "flow/yaml_loading.h"
#include "rules/flow_check.h"
#include "rules/name.h"
#include "rules/perhaps.h"

#include <algorithm>
#include <array>

namespace penstock::flow {
namespace {

using Kind = YamlValue::Kind;
using rules::FlowDefinition;
using rules::FlowLimits;

constexpr std::int64_t most_steps = 1'000'000'000;
constexpr std::int64_t most_visits = 1'000'000'000;

struct FlowDraft {
  FlowDefinition flow = {};
  const YamlMember *nodes = nullptr, *groups = nullptr;
  YamlPlace start = {};
};

void read_number(const YamlMember& from, int& into, const Findings& findings) {
  std::int64_t number = 0;
  if (findings.integer(from, 1, most_visits, number)) into = static_cast<int>(number);
}

constexpr std::array<YamlKey<FlowLimits>, 5> limits_table = {{
    {"max_steps",
     [](const YamlMember& from, FlowLimits& limits, const Findings& findings) {
       findings.integer(from, 1, most_steps, limits.max_steps);
     }},
    {"max_visits",
     [](const YamlMember& from, FlowLimits& limits, const Findings& findings) {
       read_number(from, limits.max_visits, findings);
     }},
    {"max_cycles",
     [](const YamlMember& from, FlowLimits& limits, const Findings& findings) {
       read_number(from, limits.max_cycles, findings);
     }},
    {"timeout", [](const YamlMember& from, FlowLimits& limits,
                   const Findings& findings) { findings.duration(from, limits.timeout); }},
    {"on_missing",
     [](const YamlMember& from, FlowLimits& limits, const Findings& findings) {
       const std::string& text = from.value->text;
       if (from.value->kind == Kind::text && (text == "end" || text == "fail")) {
         limits.fail_on_missing = text == "fail";
       } else {
         findings.say(from.value->place, "on_missing is end or fail, not " + describe(*from.value));
       }
     }},
}};

constexpr std::array<YamlKey<FlowDraft>, 5> flow_table = {{
    {"flow", [](const YamlMember& from, FlowDraft& draft,
                const Findings& findings) { findings.name(from, "flow", draft.flow.flow); }},
    {"start",
     [](const YamlMember& from, FlowDraft& draft, const Findings& findings) {
       findings.text(from, draft.flow.start);
       draft.start = from.value->place;
     }},
    {"limits",
     [](const YamlMember& from, FlowDraft& draft, const Findings& findings) {
       if (!is_mapping(from, findings)) return;
       read_mapping<FlowLimits>(*from.value, "limits", limits_table, draft.flow.limits, findings);
     }},
    {"groups", [](const YamlMember& from, FlowDraft& draft,
                  const Findings& /*findings*/) { draft.groups = &from; }},
    {"nodes", [](const YamlMember& from, FlowDraft& draft,
                 const Findings& /*findings*/) { draft.nodes = &from; }},
}};

// Makes edges of what the nodes say; what leads nowhere is told and left out.
class Wiring {
 public:
  Wiring(FlowDefinition& flow, const std::vector<NodeDraft>& drafts, Loading& loading,
         const Findings& findings)
      : flow_(flow), drafts_(drafts), loading_(loading), findings_(findings) {
    for (std::size_t i = 0; i < drafts.size(); ++i) by_name_.emplace(drafts[i].node.name, i);
    for (const auto& [name, at] : by_name_) {
      if (some_names_.size() < most_names) some_names_.push_back(name);
    }
  }

  void connect() {
    for (std::size_t i = 0; i < drafts_.size(); ++i) {
      for (const NodeDraft::Edge& edge : drafts_[i].next) take_next(i, edge);
    }
    for (std::size_t i = 0; i < drafts_.size(); ++i) {
      std::map<std::string_view, int> named;
      for (const NodeDraft::Edge& edge : drafts_[i].needs) {
        const int times = ++named[edge.target];
        if (times == 1) take_need(i, edge);
        if (times == 2) say(i, edge.place, "needs names \"" + edge.target + "\" twice");
      }
    }
    find_circles();
  }

 private:
  void say(std::size_t node, YamlPlace place, const std::string& text) {
    findings_.about(drafts_[node].scope.prefix + drafts_[node].node.name).say(place, text);
  }

  void nowhere(std::size_t node, const NodeDraft::Edge& edge, const std::string& what) {
    loading_.broken = true;
    // Nobody reads so many guesses, and each costs a look at every name.
    const std::string guess = guesses_-- > 0 ? rules::perhaps(edge.target, some_names_) : "";
    say(node, edge.place,
        what + " \"" + rules::printable(edge.target) + "\"" + guess +
            ", which is no node of this flow");
  }

  void take_next(std::size_t from, const NodeDraft::Edge& edge) {
    const bool ends = edge.target == "end";
    if (!ends && !by_name_.contains(edge.target)) {
      return nowhere(from, edge, "next." + edge.action + " leads to");
    }
    rules::FlowEdge made{.action = edge.action, .target = ends ? "" : edge.target};
    auto& next = flow_.nodes[from].next;
    if (std::ranges::find(next, made) != next.end()) {
      return say(from, edge.place,
                 "next." + edge.action + " leads to \"" + edge.target + "\" twice");
    }
    next.push_back(std::move(made));
  }

  void take_need(std::size_t to, const NodeDraft::Edge& need) {
    const auto known = by_name_.find(need.target);
    if (known == by_name_.end()) return nowhere(to, need, "needs names");
    const rules::FlowNode& before = drafts_[known->second].node;
    if (before.gate && before.gate->ask == rules::Gate::Ask::approval) {
      loading_.broken = true;
      return say(to, need.place,
                 "\"" + need.target +
                     "\" is answered with approved or rejected, "
                     "never with default: let its next lead here");
    }
    const rules::FlowEdge edge{.action = need.action, .target = drafts_[to].node.name};
    auto& next = flow_.nodes[known->second].next;
    if (std::ranges::find(next, edge) == next.end()) next.push_back(edge);
  }

  // Circles of needs alone: nothing in one could ever begin. Depth first, with a stack of its own.
  void find_circles() {
    enum class Colour : unsigned char { white, grey, black };
    std::vector<Colour> colour(drafts_.size(), Colour::white);
    std::vector<std::pair<std::size_t, std::size_t>> path;
    for (std::size_t root = 0; root < drafts_.size(); ++root) {
      if (colour[root] != Colour::white) continue;
      colour[root] = Colour::grey;
      path.emplace_back(root, 0);
      while (!path.empty()) {
        auto& [node, next] = path.back();
        if (next == drafts_[node].needs.size()) {
          colour[node] = Colour::black;
          path.pop_back();
          continue;
        }
        const NodeDraft::Edge& need = drafts_[node].needs[next++];
        const auto before = by_name_.find(need.target);
        if (before == by_name_.end()) continue;
        if (colour[before->second] == Colour::grey) say_circle(path, before->second, need.place);
        if (colour[before->second] != Colour::white) continue;
        colour[before->second] = Colour::grey;
        path.emplace_back(before->second, 0);
      }
    }
  }

  void say_circle(const std::vector<std::pair<std::size_t, std::size_t>>& path, std::size_t first,
                  YamlPlace place) {
    constexpr int most_named = 10;
    std::string text = "needs goes round in a circle: ";
    bool in_circle = false;
    int named = 0;
    for (const auto& [node, next] : path) {
      in_circle = in_circle || node == first;
      if (in_circle && ++named <= most_named) text += drafts_[node].node.name + " needs ";
    }
    if (named > most_named) text += "... needs ";
    loading_.broken = true;
    say(path.back().first, place,
        text + drafts_[first].node.name + ": for a loop, use next on one of them");
  }

  FlowDefinition& flow_;
  const std::vector<NodeDraft>& drafts_;
  Loading& loading_;
  const Findings& findings_;
  std::map<std::string, std::size_t, std::less<>> by_name_ = {};
  static constexpr std::size_t most_names = 1000;
  std::vector<std::string_view> some_names_ = {};  // To guess which one was meant.
  int guesses_ = 100;
};

void read_nodes(FlowDraft& draft, const std::string& prefix, Loading& loading,
                const Findings& findings) {
  FlowScope scope{.loading = loading, .flow = draft.flow.flow, .prefix = prefix};
  std::vector<NodeDraft> drafts;
  std::set<std::string_view> seen;
  for (const YamlMember& member : draft.nodes->value->members) {
    if (!seen.insert(member.key).second) continue;
    if (member.key.empty()) {
      loading.broken = true;
      findings.say(member.place, "a node has no name");
      continue;
    }
    drafts.push_back(read_node(member, scope, findings));
    draft.flow.nodes.push_back(drafts.back().node);
  }
  Wiring(draft.flow, drafts, loading, findings).connect();
  if (!draft.flow.start.empty() && !seen.contains(draft.flow.start)) {
    loading.broken = true;
    findings.say(draft.start,
                 "start \"" + rules::printable(draft.flow.start) + "\" is no node of this flow");
  }
}

// False: no part of that name is noted.
bool say_part(const rules::FlowProblem& problem, const std::string& node, const Loading& loading) {
  const auto [first, last] = loading.parts.equal_range({node, problem.part, problem.value});
  for (auto part = first; part != last; ++part) {
    Findings(loading.problems, part->second.file, problem.node).say_in(part->second, problem.text);
  }
  return first != last;
}

// What the graph says of a node is told at the node's key, what is said of a part of it there.
void say_graph(const rules::FlowProblem& problem, const Loading& loading,
               const Findings& findings) {
  // Told already, where exactly it is.
  for (const std::string_view told : {"when: ", "with: ", "map.over: "}) {
    if (problem.part.empty() && problem.text.starts_with(told)) return;
  }
  std::string node = problem.node;
  auto at = loading.places.find(node);
  while (at == loading.places.end() && node.find('/') != std::string::npos) {
    node.resize(node.rfind('/'));
    at = loading.places.find(node);
  }
  if (at == loading.places.end()) return findings.about(problem.node).say({}, problem.text);
  const auto& [file, place] = at->second;
  const Findings there(loading.problems, file, problem.node);
  if (!say_part(problem, node, loading)) there.say(place, problem.text);
}

}  // namespace

void say_doubles(const YamlValue& value, const Findings& findings) {
  std::map<std::string_view, int> lines;
  for (const YamlMember& member : value.members) {
    const auto [before, is_new] = lines.emplace(member.key, member.place.line);
    if (!is_new) {
      findings.say(member.place, "\"" + rules::printable(member.key) +
                                     "\" is here twice, first in "
                                     "line " +
                                     std::to_string(before->second) + ": remove or rename one");
    }
    say_doubles(*member.value, findings);
  }
  for (const auto& item : value.items) say_doubles(*item, findings);
}

std::shared_ptr<const YamlValue> open_file(const std::string& path, Loading& loading,
                                           const Findings& findings, YamlPlace place) {
  const auto refuse = [&](std::string text) {
    loading.broken = true;
    findings.say(place, std::move(text));
    return nullptr;
  };
  if (std::ranges::find(loading.open_files, path) != loading.open_files.end()) {
    return refuse(path + " would contain itself");
  }
  if (++loading.files > max_flow_files) {
    return refuse("there are more than " + std::to_string(max_flow_files) + " files here");
  }
  auto text = loading.read(path);
  if (!text) return refuse(text.error().message);
  const Findings inside(loading.problems, path);
  YamlMistake mistake;
  auto root = read_yaml(*text, mistake);
  if (!root) {
    loading.broken = true;
    inside.say(mistake.place, mistake.text);
    return nullptr;
  }
  loading.values += root->count;
  if (loading.values > max_yaml_values) {
    return refuse("with " + path + " there are more than " + std::to_string(max_yaml_values) +
                  " values in all files");
  }
  say_doubles(*root, inside);
  loading.open_files.push_back(path);
  return root;
}

FlowDefinition read_flow(const YamlValue& root, const std::string& usual_name,
                         const std::string& prefix, Loading& loading, const Findings& findings) {
  FlowDraft draft;
  draft.flow.flow = usual_name;
  if (root.kind != Kind::map) {
    loading.broken = true;
    findings.say(root.place,
                 "a flow has to be a mapping with flow and nodes, not " + describe(root));
    return draft.flow;
  }
  ++loading.depth;
  read_mapping<FlowDraft>(root, "a flow", flow_table, draft, findings);
  const std::string path = prefix.substr(0, prefix.rfind('/'));
  if (draft.groups) read_groups(*draft.groups, path, draft.flow.groups, loading, findings);
  if (draft.flow.flow.empty()) {
    // One that nothing else is wrong with, and that no other file has.
    draft.flow.flow = "unnamed" + std::to_string(loading.files);
    const bool named =
        std::ranges::find(root.members, "flow", &YamlMember::key) != root.members.end();
    if (!named) findings.say(root.place, "the flow has no name: write flow: NAME");
  }
  if (!draft.nodes || draft.nodes->value->kind != Kind::map ||
      draft.nodes->value->members.empty()) {
    loading.broken = true;
    findings.say(draft.nodes ? draft.nodes->place : root.place,
                 "the flow has no nodes: write nodes: {NAME: {task: ...}}");
  } else {
    read_nodes(draft, prefix, loading, findings);
  }
  --loading.depth;
  return draft.flow;
}

std::string to_text(const YamlProblem& problem) {
  std::string text = problem.file + ':' + std::to_string(problem.place.line) + ':' +
                     std::to_string(problem.place.column) + ": ";
  if (!problem.node.empty()) text += "node " + rules::printable(problem.node) + ": ";
  return text + problem.text;
}

Result<std::optional<YamlFlow>> load_yaml(const std::string& path, const ReadFile& read,
                                          std::vector<YamlProblem>& problems) {
  auto first = read(path);
  if (!first) return std::move(first).error();
  const ReadFile read_on = [&](const std::string& other) {
    return other == path ? Result<std::string>(*first) : read(other);
  };
  std::set<YamlProblem> found;
  Loading loading{.read = read_on, .problems = found};
  const Findings findings(found, path);
  std::optional<YamlFlow> loaded;
  if (const auto root = open_file(path, loading, findings, {})) {
    auto definition =
        std::make_shared<const FlowDefinition>(read_flow(*root, {}, {}, loading, findings));
    std::vector<rules::FlowProblem> of_graph;
    std::shared_ptr<const rules::Graph> graph;
    if (!loading.broken) graph = rules::Graph::compile(definition, of_graph);
    rules::check_flow(*definition, of_graph);
    const auto nodes = std::ranges::find(root->members, "nodes", &YamlMember::key);
    const YamlPlace whole = nodes == root->members.end() ? root->place : nodes->place;
    for (const rules::FlowProblem& problem : of_graph) {
      if (!problem.node.empty()) {
        say_graph(problem, loading, findings);
      } else if (problem.part.empty() || !say_part(problem, {}, loading)) {
        findings.say(whole, problem.text);
      }
    }
    if (found.empty()) {
      loaded = YamlFlow{.definition = std::move(definition),
                        .graph = std::move(graph),
                        .programs = std::move(loading.programs)};
    }
  }
  problems.assign(found.begin(), found.end());
  std::ranges::stable_partition(problems, [&](const YamlProblem& one) { return one.file == path; });
  return loaded;
}

std::map<std::string, std::vector<std::string>> yaml_keys() {
  auto keys = node_keys();
  keys.merge(group_keys());
  keys["flow"] = names_of<FlowDraft>(flow_table);
  keys["limits"] = names_of<FlowLimits>(limits_table);
  return keys;
}

}  // namespace penstock::flow
