// SPDX-License-Identifier: MIT
//
// Flows in YAML files on the command line: checked, drawn, run, and offered by workers.
#pragma once

#include "cli/connect.h"
#include "flow/yaml.h"

#include <string>

namespace penstock::cli {

/// By its ending: .yaml or .yml.
bool is_flow_file(const std::string& name);
/// Errors: invalid, with every mistake, a line each; not_found (no such file).
Result<flow::YamlFlow> load_flow_file(const std::string& path);
FlowText text_of(const flow::YamlFlow& flow);
/// The flows of --flow: their programs as FLOW.NODE, and the flows themselves. The queues of the
/// programs are added to `queues`, unless it is null.
Result<void> add_flow_files(const Arguments& arguments, Tasks& tasks,
                            std::vector<QueueWeight>* queues);

int check_flow(const Arguments& arguments);
int draw_flow(const Arguments& arguments);

}  // namespace penstock::cli
