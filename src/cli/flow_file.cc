// SPDX-License-Identifier: MIT
#include "cli/flow_file.h"

#include "cli/input_file.h"
#include "cli/task_tables.h"
#include "flow/draw.h"
#include "rules/counted.h"
#include "rules/json.h"
#include "rules/name.h"
#include "rules/serving.h"

#include <penstock/program.h>

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <map>

namespace penstock::cli {
namespace {

constexpr std::size_t most_told = 100;  // Mistakes: whoever has more reads the first ones.
constexpr std::size_t most_named = 5;   // Nodes in one sentence.

// A program and the file that was the first to name it.
struct OwnedProgram {
  flow::FlowProgram program;
  std::string file;
};
using OwnedPrograms = std::map<std::string, OwnedProgram>;  // By task.

Result<void> add_flow_program(const flow::FlowProgram& program, const std::string& path,
                              const std::string& store, OwnedPrograms& owned, Tasks& tasks) {
  const auto [known, is_new] = owned.emplace(program.task, OwnedProgram{program, path});
  if (!is_new) {
    if (known->second.program == program) return {};  // Both have the same flow inside.
    return Error{Errc::invalid, path + ": task " + program.task + " is another program in " +
                                    known->second.file + ": rename the node or its flow"};
  }
  if (tasks.find(program.task)) {
    return Error{Errc::invalid, path + ": this worker has a task " + program.task +
                                    " already (--exec, [tasks.NAME] or its own code): rename the "
                                    "node, the flow or that task"};
  }
  auto added = add_program(tasks, program.task,
                           Program{.command = program.command,
                                   .folder = program.folder,
                                   .environment = {{"PENSTOCK_STORE", store}}});
  if (!added) return Error{added.error().code, path + ": " + added.error().message};
  return added;
}

// A node that a worker with these tasks can do has a job in the node's queue and pool; whoever
// lacks the task leaves it to those who have it.
template <class Act>
void each_own_node(const rules::FlowDefinition& flow, const Tasks& tasks, const Act& act) {
  for (const rules::FlowNode& node : flow.nodes) {
    if (node.task.empty() || tasks.find(node.task) || tasks.find(node.undo_task)) act(flow, node);
    if (node.body) each_own_node(*node.body, tasks, act);
  }
}

// "etl.load, etl.tell and 3 more"
std::string list_of(const std::vector<std::string>& nodes) {
  std::string text;
  for (std::size_t i = 0; i < std::min(nodes.size(), most_named); ++i) {
    text += (text.empty() ? "" : ", ") + nodes[i];
  }
  const std::size_t more = nodes.size() - std::min(nodes.size(), most_named);
  return more == 0 ? text : text + " and " + std::to_string(more) + " more";
}

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

std::vector<std::string> files_of_flow(const std::string& path) {
  std::vector<std::string> files;
  const flow::ReadFile read = [&](const std::string& file) {
    files.push_back(file);
    return read_input_file(file);
  };
  std::vector<flow::YamlProblem> problems;
  const auto loaded = flow::load_yaml(path, read, problems);
  if (!loaded || !*loaded) return files;
  for (const flow::FlowProgram& program : (*loaded)->programs) {
    for (const std::string& word : program.command) {
      const auto file = std::filesystem::path(program.folder) / word;
      std::error_code failed;
      if (std::filesystem::is_regular_file(file, failed)) files.push_back(file.string());
    }
  }
  return files;
}

Result<FlowDefinitions> add_flow_files(const Arguments& arguments, Tasks& tasks) {
  const std::string store = store_of_programs(arguments);
  std::map<std::string, std::string> file_of;  // By flow.
  OwnedPrograms owned;
  FlowDefinitions definitions;
  for (const std::string& path : arguments.all("--flow")) {
    auto loaded = load_flow_file(path);
    if (!loaded) return std::move(loaded).error();
    const std::string& name = loaded->definition->flow;
    if (const auto [known, is_new] = file_of.emplace(name, path); !is_new) {
      return Error{Errc::invalid, path + ": flow " + name + " is in " + known->second +
                                      " too: a worker offers one flow of a name"};
    }
    for (const flow::FlowProgram& program : loaded->programs) {
      auto added = add_flow_program(program, path, store, owned, tasks);
      if (!added) return std::move(added).error();
    }
    tasks.add_flow(text_of(*loaded));
    definitions.push_back(loaded->definition);
  }
  return definitions;
}

void add_flow_queues(const FlowDefinitions& flows, const Tasks& tasks,
                     std::vector<QueueWeight>& queues) {
  for (const auto& flow : flows) {
    each_own_node(*flow, tasks, [&](const auto& /*of*/, const rules::FlowNode& node) {
      serve_too(&queues, node.queue);
    });
  }
}

std::vector<std::string> unserved_nodes(const FlowDefinitions& flows, const Tasks& tasks,
                                        const WorkerOptions& options) {
  std::map<std::string, std::vector<std::string>> of_queue, of_pool;
  for (const auto& flow : flows) {
    each_own_node(*flow, tasks, [&](const auto& of, const rules::FlowNode& node) {
      const std::string name = of.flow + '.' + node.name;
      const bool in_pool = options.pools.empty()
                               ? node.pool.empty()
                               : std::ranges::find(options.pools, node.pool) != options.pools.end();
      if (!in_pool) of_pool[node.pool].push_back(name);
      const auto& queues = options.queues;
      if (std::ranges::find(queues, node.queue, &QueueWeight::queue) == queues.end()) {
        of_queue[node.queue].push_back(name);
      }
    });
  }
  std::vector<std::string> sentences;
  for (const auto& [pool, nodes] : of_pool) {
    sentences.push_back(list_of(nodes) +
                        (pool.empty()
                             ? " in no pool: waits for a worker without --pool"
                             : " in pool " + pool + ": waits for a worker with --pool " + pool));
  }
  for (const auto& [queue, nodes] : of_queue) {
    sentences.push_back(list_of(nodes) + " in queue " + queue + ": waits for a worker with -q " +
                        queue);
  }
  return sentences;
}

void note_unserved(Client& client, const rules::FlowDefinition& flow) {
  const auto workers = client.workers();
  if (!workers) return;  // It is a note: the run has begun.
  std::vector<std::string> alone;
  const auto look = [&](const auto& self, const rules::FlowDefinition& of) -> void {
    for (const rules::FlowNode& node : of.nodes) {
      if (node.body) self(self, *node.body);
      if (node.task.empty()) continue;
      if (rules::is_served(*workers, {.queue = node.queue, .pool = node.pool, .task = node.task}))
        continue;
      alone.push_back(of.flow + '.' + node.name);
    }
  };
  look(look, flow);
  if (alone.empty()) return;
  std::cerr << "note: no live worker has the task, queue and pool of " << list_of(alone)
            << "; the run waits there for one (penstock worker --flow FILE)\n";
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
    } else if (arguments.json()) {
      rules::JsonWriter out;
      out.begin_object().key("file").text(path).key("flow").text(loaded->definition->flow);
      out.key("nodes").number(static_cast<std::int64_t>(loaded->definition->nodes.size()));
      std::cout << out.end_object().take() << '\n';
    } else if (!arguments.quiet()) {
      std::cout << path << ": flow " << loaded->definition->flow << ", "
                << rules::counted(static_cast<std::int64_t>(loaded->definition->nodes.size()),
                                  "node")
                << ", no mistakes\n";
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
