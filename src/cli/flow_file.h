// SPDX-License-Identifier: MIT
//
// Flows in YAML files on the command line: checked, drawn, run, and offered by workers.
#pragma once

#include "cli/connect.h"
#include "flow/yaml.h"

#include <penstock/worker.h>

#include <memory>
#include <string>
#include <vector>

namespace penstock::cli {

/// By its ending: .yaml or .yml.
bool is_flow_file(const std::string& name);
/// Errors: invalid, with every mistake, a line each; not_found (no such file).
Result<flow::YamlFlow> load_flow_file(const std::string& path);
/// What a flow is made of: its file, those that it names, and what its commands name beside them.
/// As far as it can be read.
std::vector<std::string> files_of_flow(const std::string& path);
FlowText text_of(const flow::YamlFlow& flow);
/// Tells on standard error which nodes of a flow that was started no live worker can do.
void note_unserved(Client& client, const rules::FlowDefinition& flow);
using FlowDefinitions = std::vector<std::shared_ptr<const rules::FlowDefinition>>;
/// The flows of --flow: their programs as FLOW.NODE, and the flows themselves. Errors: invalid (a
/// mistake, or a name that a flow or a task has already), not_found.
Result<FlowDefinitions> add_flow_files(const Arguments& arguments, Tasks& tasks);
/// Adds the queues of those nodes that a worker with these tasks can do.
void add_flow_queues(const FlowDefinitions& flows, const Tasks& tasks,
                     std::vector<QueueWeight>& queues);
/// A sentence for each queue and pool whose nodes such a worker can do, but will never be given.
std::vector<std::string> unserved_nodes(const FlowDefinitions& flows, const Tasks& tasks,
                                        const WorkerOptions& options);

int check_flow(const Arguments& arguments);
int draw_flow(const Arguments& arguments);

}  // namespace penstock::cli
