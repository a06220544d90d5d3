// SPDX-License-Identifier: MIT
//
// penstock flow: runs of flows from the command line.
#include "cli/commands.h"
#include "cli/connect.h"
#include "cli/flow_file.h"
#include "cli/flow_view.h"
#include "cli/input_file.h"
#include "cli/table.h"
#include "rules/duration.h"
#include "rules/errc.h"
#include "rules/name.h"
#include "rules/run_json.h"
#include "rules/run_report.h"

#include <iostream>
#include <map>

namespace penstock::cli {
namespace {

constexpr std::size_t most_items = 20;
constexpr Duration for_ever{365LL * 24 * 3'600'000};

// The words of a command, which has to have so many.
Result<std::vector<std::string>> words_of(const Arguments& arguments, std::size_t least,
                                          std::size_t most, const char* form) {
  const auto& words = arguments.words();
  if (words.size() >= least && words.size() <= most) return words;
  return Error{Errc::invalid, std::string("write penstock flow ") + form};
}

std::string cell(const std::string& text) { return text.empty() ? "-" : text; }

std::string time_cell(const std::optional<Time>& time) {
  return time ? rules::format_time(*time) : "-";
}

void print_run(const Arguments& arguments, const Run& run) {
  if (arguments.json()) {
    std::cout << rules::to_json(run) << '\n';
    return;
  }
  std::cout << "run      " << run.id.text << "\nflow     " << run.flow << " (" << run.version
            << ")\nstate    " << run.state << "\ncreated  " << rules::format_time(run.created_at)
            << "\nended    " << time_cell(run.finished_at) << "\nsteps    " << run.steps << '\n';
  if (!run.error.empty()) std::cout << "error    " << rules::printable(run.error, 4000) << '\n';
  if (run.output) std::cout << "output   " << *run.output << '\n';
  if (!run.parent.empty()) std::cout << "parent   " << run.parent << '\n';
  if (!run.forked_from.empty()) std::cout << "forked   from " << run.forked_from << '\n';
  Table table({"NODE", "VISIT", "STATE", "ACTION", "ATTEMPT", "WORKER", "TOOK", "NOTE"});
  std::map<std::string, std::size_t> items;  // Shown of each map that failed in many.
  for (const RunNode& node : run.nodes) {
    const auto bracket = node.node.ends_with(']') ? node.node.rfind('[') : std::string::npos;
    if (bracket != std::string::npos && ++items[node.node.substr(0, bracket)] > most_items)
      continue;
    table.row({node.node, std::to_string(node.visit), node.state, cell(node.action),
               std::to_string(node.attempt), cell(node.worker), ran_for(node), note_of(node)});
  }
  std::cout << table.text();
  for (const auto& [map, count] : items) {
    if (count <= most_items) continue;
    std::cout << "and " << count - most_items << " more items of " << rules::printable(map)
              << ": --json has them all\n";
  }
  for (const std::string& entry : run.history) {
    std::cout << "history  " << history_text(entry) << '\n';
  }
}

// How a run that was waited for ends the command.
int ended(const Arguments& arguments, const Run& run) {
  if (arguments.json()) {
    std::cout << rules::to_json(run) << '\n';
    return run.output ? 0 : rules::describe(Errc::job_failed).exit_code;
  }
  if (run.output) {
    std::cout << *run.output << '\n';
    return 0;
  }
  return fail(arguments, {Errc::job_failed, "run " + run.id.text + " is " + run.state +
                                                (run.error.empty() ? "" : ": " + run.error)});
}

Result<Duration> patience_of(const Arguments& arguments) {
  if (!arguments.has("--timeout")) return for_ever;
  return rules::parse_duration(arguments.text("--timeout"));
}

int run_flow(const Arguments& arguments) {
  auto words = words_of(arguments, 1, 1, "run FILE|NAME [--input JSON|@FILE]");
  if (!words) return fail(arguments, words.error());
  auto input = read_input_word(arguments.text("--input", "null"));
  if (!input) return fail(arguments, input.error());
  auto patience = patience_of(arguments);
  if (!patience) return fail(arguments, patience.error());
  auto client = connect(arguments, Access::write);
  if (!client) return fail(arguments, client.error());
  const std::string& name = (*words)[0];
  const RunOptions options{.id = arguments.text("--id")};
  if (arguments.has("--id") && options.id.empty()) {
    return fail(arguments, {Errc::invalid, "--id is empty: leave it away, or give a run one"});
  }
  Result<RunId> id = Error{Errc::internal, "not started"};
  if (is_flow_file(name)) {
    auto loaded = load_flow_file(name);
    if (!loaded) return fail(arguments, loaded.error());
    id = client->run_text(text_of(*loaded), *std::move(input), options);
    if (id && !arguments.quiet()) note_unserved(*client, *loaded->definition);
  } else {
    id = client->run_text(std::string_view(name), *std::move(input), options);
  }
  if (!id) return fail(arguments, id.error());
  if (arguments.has("--detach")) {
    std::cout << id->text << '\n';
    return 0;
  }
  if (!arguments.quiet()) {
    std::cerr << "run " << id->text << " goes on without this command (penstock flow wait "
              << id->text << ")\n";
  }
  auto run = watch_run(*client, *id, *patience, arguments.quiet());
  if (!run) return fail(arguments, run.error());
  return ended(arguments, *run);
}

int list_runs(const Arguments& arguments) {
  auto limit = integer_flag(arguments, "--limit");
  if (!limit) return fail(arguments, limit.error());
  auto client = connect(arguments, Access::read);
  if (!client) return fail(arguments, client.error());
  const RunFilter which{.state = arguments.text("--state"), .flow = arguments.text("--flow")};
  std::string cursor = arguments.text("--cursor");
  int left = static_cast<int>(limit->value_or(100));
  Table table({"RUN", "FLOW", "STATE", "STEPS", "CREATED", "ENDED"});
  do {  // Where few fit the filter, a page of the store may have none.
    auto page = client->list_runs(cursor, left, which);
    if (!page) return fail(arguments, page.error());
    for (const Run& run : page->items) {
      if (arguments.json()) std::cout << rules::to_brief_json(run) << '\n';
      table.row({run.id.text, run.flow, run.state, std::to_string(run.steps),
                 rules::format_time(run.created_at), time_cell(run.finished_at)});
    }
    left -= static_cast<int>(page->items.size());
    cursor = page->next_cursor;
  } while (left > 0 && !cursor.empty());
  if (!arguments.json()) std::cout << table.text();
  if (!cursor.empty() && !arguments.quiet()) std::cerr << "more: --cursor " << cursor << '\n';
  return 0;
}

int show_run(const Arguments& arguments) {
  auto words = words_of(arguments, 1, 1, "show RUN");
  if (!words) return fail(arguments, words.error());
  auto client = connect(arguments, Access::read);
  if (!client) return fail(arguments, client.error());
  auto run = client->find_run({(*words)[0]});
  if (!run) return fail(arguments, run.error());
  print_run(arguments, *run);
  return 0;
}

int wait_run(const Arguments& arguments) {
  auto words = words_of(arguments, 1, 1, "wait RUN");
  if (!words) return fail(arguments, words.error());
  auto patience = patience_of(arguments);
  if (!patience) return fail(arguments, patience.error());
  auto client = connect(arguments, Access::read);
  if (!client) return fail(arguments, client.error());
  auto run = watch_run(*client, {(*words)[0]}, *patience, arguments.quiet());
  if (!run) return fail(arguments, run.error());
  return ended(arguments, *run);
}

// A verb on runs; the first that it cannot be said to decides how the command ends.
template <class Act>
int on_runs(const Arguments& arguments, const char* form, std::string_view done, Act act) {
  auto words = words_of(arguments, 1, 1000, form);
  if (!words) return fail(arguments, words.error());
  auto client = connect(arguments, Access::write);
  if (!client) return fail(arguments, client.error());
  int code = 0;
  for (const std::string& word : *words) {
    if (auto ok = act(*client, RunId{word}); !ok) {
      const int failed = fail(arguments, ok.error());
      code = code == 0 ? failed : code;
    } else if (!arguments.quiet()) {
      std::cout << "run " << word << ' ' << done << '\n';
    }
  }
  return code;
}

int fork_run(const Arguments& arguments) {
  auto words = words_of(arguments, 1, 1, "fork RUN --node NODE [--set KEY=JSON]...");
  if (!words) return fail(arguments, words.error());
  ForkSpec spec{.run = {(*words)[0]}, .node = arguments.text("--node")};
  for (const std::string& text : arguments.all("--set")) {
    const auto equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      return fail(arguments, {Errc::invalid, "--set " + text + ": write KEY=JSON"});
    }
    auto value = read_input_word(text.substr(equals + 1));
    if (!value) return fail(arguments, value.error());
    spec.set[text.substr(0, equals)] = *std::move(value);
  }
  auto client = connect(arguments, Access::write);
  if (!client) return fail(arguments, client.error());
  auto id = client->fork_run(spec);
  if (!id) return fail(arguments, id.error());
  std::cout << id->text << '\n';
  return 0;
}

int signal_run(const Arguments& arguments) {
  auto words = words_of(arguments, 2, 3, "signal RUN NODE [JSON|@FILE]");
  if (!words) return fail(arguments, words.error());
  auto answer = read_input_word(words->size() > 2 ? (*words)[2] : "null");
  if (!answer) return fail(arguments, answer.error());
  auto client = connect(arguments, Access::write);
  if (!client) return fail(arguments, client.error());
  auto done = client->signal({(*words)[0]}, (*words)[1], *answer, arguments.text("--by"));
  if (!done) return fail(arguments, done.error());
  if (!arguments.quiet()) std::cout << "gate " << (*words)[1] << " is answered\n";
  return 0;
}

int show_store(const Arguments& arguments) {
  auto words = words_of(arguments, 1, 2, "store RUN [KEY]");
  if (!words) return fail(arguments, words.error());
  auto client = connect(arguments, Access::read);
  if (!client) return fail(arguments, client.error());
  auto values = client->shared({(*words)[0]});
  if (!values) return fail(arguments, values.error());
  if (words->size() == 1) {
    if (arguments.json()) {
      std::cout << rules::write_raw_object(*values) << '\n';
      return 0;
    }
    for (const auto& [key, value] : *values) {
      std::cout << rules::printable(key, 256) << '\t' << value << '\n';
    }
    return 0;
  }
  const auto found = values->find((*words)[1]);
  if (found == values->end()) {
    return fail(arguments, {Errc::not_found, "run " + (*words)[0] + " has no key \"" + (*words)[1] +
                                                 "\" in its store"});
  }
  std::cout << found->second << '\n';
  return 0;
}

}  // namespace

std::vector<Command> flow_commands() {
  const Flag patience{"--timeout", "30s", "give up waiting after this; the run goes on"};
  std::vector<Command> commands;
  commands.push_back({.name = "flow check",
                      .summary = "Every mistake of a flow in YAML, with line and column",
                      .words = "FILE...",
                      .run = check_flow});
  commands.push_back({.name = "flow draw",
                      .summary = "The graph of a flow",
                      .flags = {{"--format", "FORMAT", "ascii (default), mermaid or dot"}},
                      .words = "FILE|NAME",
                      .run = draw_flow});
  commands.push_back(
      {.name = "flow run",
       .summary = "Start a run of a flow, and wait for its end",
       .flags = {{"--input", "JSON", "its input: JSON, @FILE, or - for standard input"},
                 {"--id", "ID", "an own id: the same again is the same run"},
                 {"--detach", "", "print the run's id and leave"},
                 patience},
       .words = "FILE|NAME",
       .run = run_flow});
  commands.push_back({.name = "flow list",
                      .summary = "The newest runs",
                      .flags = {{"--state", "STATE", "only these, such as running or failed"},
                                {"--flow", "NAME", "only runs of this flow"},
                                {"--limit", "N", "at most so many (100)"},
                                {"--cursor", "CURSOR", "go on where a page ended"}},
                      .run = list_runs});
  commands.push_back({.name = "flow show",
                      .summary = "A run: every node, its attempts, who ran it, what it waits for",
                      .words = "RUN",
                      .run = show_run});
  commands.push_back({.name = "flow wait",
                      .summary = "Wait for the end of a run and print its output",
                      .flags = {patience},
                      .words = "RUN",
                      .run = wait_run});
  commands.push_back({.name = "flow cancel",
                      .summary = "End a run at once",
                      .words = "RUN...",
                      .run = [](const Arguments& arguments) {
                        return on_runs(
                            arguments, "cancel RUN...", "is cancelled",
                            [](Client& client, const RunId& id) { return client.cancel_run(id); });
                      }});
  commands.push_back({.name = "flow retry",
                      .summary = "Go on with a failed run: what failed runs again",
                      .words = "RUN...",
                      .run = [](const Arguments& arguments) {
                        return on_runs(
                            arguments, "retry RUN...", "goes on",
                            [](Client& client, const RunId& id) { return client.retry_run(id); });
                      }});
  commands.push_back({.name = "flow fork",
                      .summary = "A new run that goes on before a node of another one ended",
                      .flags = {{"--node", "NODE", "the node as shown, or NODE#VISIT"},
                                {"--set", "KEY=JSON", "a key of its store; may be repeated", true}},
                      .words = "RUN",
                      .run = fork_run});
  commands.push_back({.name = "flow signal",
                      .summary = "Answer a gate",
                      .flags = {{"--by", "NAME", "who answers"}},
                      .words = "RUN NODE [JSON]",
                      .run = signal_run});
  commands.push_back({.name = "flow store",
                      .summary = "The shared store of a run, or one key of it",
                      .words = "RUN [KEY]",
                      .run = show_store});
  return commands;
}

}  // namespace penstock::cli
