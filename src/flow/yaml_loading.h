// SPDX-License-Identifier: MIT
//
// What yaml.cc (flows) and yaml_node.cc (nodes) of the loader share.
#pragma once

#include "flow/yaml_fields.h"

#include <map>
#include <string>
#include <vector>

namespace penstock::flow {

inline constexpr int max_flow_files = 1000;

/// Where a part of a node or a flow is written: part and value are those of rules::FlowProblem.
struct YamlPart {
  std::string node = {}, part = {}, value = {};
  friend auto operator<=>(const YamlPart&, const YamlPart&) = default;
};

/// One load, over all its files.
struct Loading {
  const ReadFile& read;
  std::set<YamlProblem>& problems;
  std::vector<std::string> open_files = {};  ///< The one being read, behind those that name it.
  std::vector<FlowProgram> programs = {};
  std::map<std::string, std::pair<std::string, YamlPlace>> places = {};  ///< File and key of nodes.
  std::multimap<YamlPart, YamlSpot> parts = {};
  std::size_t values = 0;
  int files = 0, depth = 0;
  /// The definition lacks something that was refused: what its graph seems to lack is no news.
  bool broken = false;
};

/// A flow around a node.
struct FlowScope {
  Loading& loading;
  std::string flow;    ///< Its name.
  std::string prefix;  ///< Of its nodes' paths: "" or "outer/".
};

/// A node as it is written; its edges are made when all nodes are known.
struct NodeDraft {
  struct Edge {
    std::string action, target;
    YamlPlace place;
  };
  FlowScope& scope;
  rules::FlowNode node = {};
  std::vector<const YamlMember*> deeds = {};  ///< exec, task, flow, gate: what is there of them.
  std::vector<std::string> exec = {}, undo_exec = {};
  std::vector<Edge> next = {}, needs = {};  ///< Of needs, `target` is the node before.
};

/// Reads the mapping of one node. What is wrong with it is told; what can be used is in the draft.
NodeDraft read_node(const YamlMember& from, FlowScope& scope, const Findings& findings);
/// Notes where a path or a condition is. `part` is that of rules::FlowProblem.
void note_path(const YamlValue& value, std::string_view part, NodeDraft& draft,
               const Findings& findings);
/// Reads JSON with paths in it, and notes where they are.
void read_paths(const YamlMember& from, std::string_view part, NodeDraft& draft, std::string& into,
                const Findings& findings);
/// Reads a flow, of a file or inside a node.
rules::FlowDefinition read_flow(const YamlValue& root, const std::string& usual_name,
                                const std::string& prefix, Loading& loading,
                                const Findings& findings);
/// Reads and parses a file; null, and told at `place` or in the file, when nothing came of it.
std::shared_ptr<const YamlValue> open_file(const std::string& path, Loading& loading,
                                           const Findings& findings, YamlPlace place);
/// Tells every key that stands twice in one mapping.
void say_doubles(const YamlValue& value, const Findings& findings);

/// Which of a map's items or a group's nodes may fail.
void read_policy(const YamlMember& from, rules::GroupPolicy& policy, const Findings& findings);
/// Groups of the flow at this path of nodes: "" or "outer".
void read_groups(const YamlMember& from, const std::string& path,
                 std::vector<rules::FlowGroup>& groups, Loading& loading, const Findings& findings);

std::map<std::string, std::vector<std::string>> node_keys();
std::map<std::string, std::vector<std::string>> group_keys();
/// A policy, a gate and what else a node may say is told apart by these names.
std::string path_of(const std::string& file, const std::string& beside);

}  // namespace penstock::flow
