// SPDX-License-Identifier: MIT
#include "cli/flow_file.h"

#include "cli/input_file.h"
#include "cli/task_tables.h"
#include "flow/draw.h"
#include "rules/name.h"

#include <penstock/program.h>

#include <algorithm>
#include <iostream>

namespace penstock::cli {
namespace {

constexpr std::size_t most_told = 100;  // Mistakes: whoever has more reads the first ones.

}  // namespace

bool is_flow_file(const std::string& name) {
  return name.ends_with(".yaml") || name.ends_with(".yml");
}

Result<flow::YamlFlow> load_flow_file(const std::string& path) {
  std::vector<flow::YamlProblem> problems;
  auto loaded = flow::load_yaml(path, read_input_file, problems);
  if (!loaded) return std::move(loaded).error();
  if (*loaded) return **std::move(loaded);
  std::string text;
  for (std::size_t i = 0; i < std::min(problems.size(), most_told); ++i) {
    text += (text.empty() ? "" : "\n") + flow::to_text(problems[i]);
  }
  if (problems.size() > most_told) {
    text += "\nand " + std::to_string(problems.size() - most_told) + " more";
  }
  return Error{Errc::invalid, std::move(text)};
}

FlowText text_of(const flow::YamlFlow& flow) {
  return {.flow = flow.definition->flow, .definition = rules::write_definition(*flow.definition)};
}

Result<void> add_flow_files(const Arguments& arguments, Tasks& tasks,
                            std::vector<QueueWeight>* queues) {
  const std::string store = rules::without_password(arguments.store());
  std::map<std::string, std::string> file_of;  // By flow.
  for (const std::string& path : arguments.all("--flow")) {
    auto loaded = load_flow_file(path);
    if (!loaded) return std::move(loaded).error();
    const std::string& name = loaded->definition->flow;
    if (const auto [known, is_new] = file_of.emplace(name, path); !is_new) {
      return Error{Errc::invalid, path + ": flow " + name + " is in " + known->second +
                                      " too: a worker offers one flow of a name"};
    }
    for (const flow::FlowProgram& program : loaded->programs) {
      auto added = add_program(tasks, program.task,
                               Program{.command = program.command,
                                       .folder = program.folder,
                                       .environment = {{"PENSTOCK_STORE", store}}});
      if (!added) return added;
      serve_too(queues, program.queue);
    }
    tasks.add_flow(text_of(*loaded));
  }
  return {};
}

int check_flow(const Arguments& arguments) {
  if (arguments.words().empty()) {
    return fail(arguments, {Errc::invalid, "write penstock flow check FILE..."});
  }
  int code = 0;
  for (const std::string& path : arguments.words()) {
    auto loaded = load_flow_file(path);
    if (!loaded) {
      code = fail(arguments, loaded.error());
    } else if (!arguments.quiet()) {
      std::cout << path << ": flow " << loaded->definition->flow << ", "
                << loaded->definition->nodes.size() << " nodes, no mistakes\n";
    }
  }
  return code;
}

int draw_flow(const Arguments& arguments) {
  if (arguments.words().size() != 1) {
    return fail(arguments, {Errc::invalid, "write penstock flow draw FILE|NAME"});
  }
  const std::string format = arguments.text("--format", "ascii");
  const auto drawing = flow::parse_drawing(format);
  if (!drawing) {
    return fail(arguments, {Errc::invalid, "--format " + format + ": ascii, mermaid or dot"});
  }
  const std::string& name = arguments.words().front();
  if (is_flow_file(name)) {
    auto loaded = load_flow_file(name);
    if (!loaded) return fail(arguments, loaded.error());
    std::cout << flow::draw(*loaded->graph, *drawing);
    return 0;
  }
  auto client = connect(arguments, Access::read);
  if (!client) return fail(arguments, client.error());
  auto text = client->flow(name);
  if (!text) return fail(arguments, text.error());
  auto definition = rules::read_definition(text->definition);
  if (!definition) return fail(arguments, definition.error());
  std::vector<rules::FlowProblem> problems;
  const auto graph = rules::Graph::compile(
      std::make_shared<const rules::FlowDefinition>(*std::move(definition)), problems);
  if (!graph) return fail(arguments, {Errc::invalid, problems.front().text});
  std::cout << flow::draw(*graph, *drawing);
  return 0;
}

}  // namespace penstock::cli
