// SPDX-License-Identifier: MIT
//
// Flows that are written down in YAML: text to rules::FlowDefinition. Every mistake is told, each
// with its line and column. Files are read by whoever calls, so this needs none. The format:
// docs/flows-yaml.md, and deploy/flow.schema.json for editors.
#pragma once

#include "flow/yaml_text.h"
#include "rules/graph.h"

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace penstock::flow {

/// A mistake: where, and what to do about it.
struct YamlProblem {
  std::string file = {};
  YamlPlace place = {};
  std::string node = {};  ///< Empty: about the whole flow. With slashes: in a flow inside it.
  std::string text = {};
  friend auto operator<=>(const YamlProblem&, const YamlProblem&) = default;
};
/// "etl.yaml:3:5: node clean: ..."
std::string to_text(const YamlProblem& problem);

/// A program that the file names with `exec`.
struct FlowProgram {
  std::string task = {};  ///< FLOW.NODE, or FLOW.NODE.undo.
  std::vector<std::string> command = {};
  std::string folder = {};  ///< Of the file, as its path was given; empty: the current one.
  friend bool operator==(const FlowProgram&, const FlowProgram&) = default;
};

struct YamlFlow {
  std::shared_ptr<const rules::FlowDefinition> definition = {};
  std::shared_ptr<const rules::Graph> graph = {};
  std::vector<FlowProgram> programs = {};  ///< Of the flows inside it too.
};

/// The text of a file, for the flow itself and for the files that it names.
using ReadFile = std::function<Result<std::string>(const std::string& path)>;

/// Nothing when there is any problem; they are in the order of the file. Errors: those of `read`
/// for the first file; what is wrong with others is a problem of the node that names them.
Result<std::optional<YamlFlow>> load_yaml(const std::string& path, const ReadFile& read,
                                          std::vector<YamlProblem>& problems);

/// All keys that a mapping may have, by what it is: "flow", "limits", "node", "gate", ...
std::map<std::string, std::vector<std::string>> yaml_keys();

}  // namespace penstock::flow
