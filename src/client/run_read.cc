// SPDX-License-Identifier: MIT
//
// A run as a reader sees it, put together from its fields.
#include "client/runs.h"
#include "rules/advance.h"
#include "rules/duration.h"
#include "rules/job_state.h"
#include "rules/json.h"
#include "rules/name.h"
#include "rules/run_json.h"

#include <algorithm>

namespace penstock {
namespace {

constexpr std::size_t most_looked_up = 200;  // Open steps whose job is asked for its state.
constexpr std::string_view parked = "parked";

std::int64_t number_in(const std::map<std::string, std::string>& fields, const std::string& name) {
  const auto found = fields.find(name);
  return found == fields.end() ? 0 : std::strtoll(found->second.c_str(), nullptr, 10);
}

std::string text_in(const std::map<std::string, std::string>& object, const std::string& name) {
  const auto found = object.find(name);
  return found == object.end() ? "" : rules::read_string(found->second).value_or("");
}

std::optional<Time> time_in(const std::map<std::string, std::string>& object,
                            const std::string& name) {
  if (!object.contains(name)) return std::nullopt;
  return rules::from_ms(number_in(object, name));
}

// The place without the visit of its last node.
void name_node(RunNode& node, const rules::Place& place) {
  node.node = rules::node_path(place);
  if (place.back().item >= 0) node.node += '[' + std::to_string(place.back().item) + ']';
  node.visit = static_cast<int>(place.back().visit);
}

}  // namespace

Result<Run> Runs::brief(const RunId& id) {
  auto fields = reader_.fields(id.text, {"state", "flow", "def", "input", "parent", "created",
                                         "started", "ended", "error", "output", "steps", "from"});
  if (!fields) return std::move(fields).error();
  if (!fields->contains("state")) {
    return Error{Errc::not_found, "run " + rules::printable(id.text) +
                                      " does not exist: check the id and the store"};
  }
  Run run{.id = id};
  run.state = (*fields)["state"];
  run.flow = (*fields)["flow"];
  run.version = (*fields)["def"];
  run.input = (*fields)["input"];
  run.error = (*fields)["error"];
  run.parent = (*fields)["parent"];
  run.forked_from = (*fields)["from"];
  if (fields->contains("started")) run.started_at = rules::from_ms(number_in(*fields, "started"));
  run.steps = number_in(*fields, "steps");
  run.created_at = rules::from_ms(number_in(*fields, "created"));
  if (fields->contains("ended")) run.finished_at = rules::from_ms(number_in(*fields, "ended"));
  if (const auto output = fields->find("output"); output != fields->end())
    run.output = output->second;
  return run;
}

Result<Run> Runs::find(const RunId& id) {
  auto run = brief(id);
  if (!run) return run;
  if (auto ok = add_nodes(*run); !ok) return std::move(ok).error();
  auto history = reader_.values(id.text, "h");
  if (!history) return std::move(history).error();
  run->history = *std::move(history);
  return run;
}

namespace {

using Nodes = std::map<std::string, RunNode>;

void add_ended(Nodes& nodes, const RunReader::Fields& fields) {
  for (const auto& [name, text] : fields) {
    auto place = rules::read_place(name.substr(2));
    auto object = rules::read_raw_object(text);
    if (!place || !object) continue;
    RunNode& node = nodes[name.substr(2)];
    name_node(node, *place);
    node.state = text_in(*object, "state");
    node.job = text_in(*object, "job");
    node.action = text_in(*object, "action");
    node.worker = text_in(*object, "worker");
    node.error = text_in(*object, "error");
    node.waits_for = text_in(*object, "waits_for");
    node.prompt = text_in(*object, "prompt");
    if (object->contains("choices")) {
      node.choices = rules::read_string_list(object->at("choices")).value_or({});
    }
    node.until = time_in(*object, "until_ms");
    node.inside = text_in(*object, "run");
    node.attempt = static_cast<int>(number_in(*object, "attempt"));
    node.started_at = time_in(*object, "started_ms");
    // Of a map or a flow that goes on, its own job's end is noted too.
    const bool goes_on = node.state == rules::to_text(JobState::running);
    if (!goes_on) node.finished_at = time_in(*object, "ended_ms");
    if (!object->contains("items")) continue;
    node.items = node.done = number_in(*object, "items");
    node.items_failed = number_in(*object, "items_failed");
  }
}

void add_map(RunNode& node, const std::string& at, const RunReader::Fields& fields) {
  if (auto place = rules::read_place(at)) name_node(node, *place);
  node.state = rules::to_text(JobState::running);
  node.items = rules::read_map(fields.at("m:" + at)).items;
  node.done = number_in(fields, "md:" + at);
  node.items_failed = number_in(fields, "mf:" + at);
}

// Of a run that has ended nothing goes on, whatever was noted when it still did: what failed can be
// retried, so what it held back is parked; of the others it is cancelled. A job may be slow to
// stop.
void settle(RunNode& node, bool failed, bool runs) {
  if (!runs && node.state == rules::to_text(rules::RunState::compensating)) {
    node.state = rules::to_text(JobState::succeeded);  // It was not undone, whatever was begun.
    node.error = "its compensation was cut off: the run was cancelled";
  }
  constexpr std::array going_on = {JobState::ready, JobState::running, JobState::waiting,
                                   JobState::scheduled};
  const bool goes_on = std::ranges::any_of(
      going_on, [&](JobState state) { return node.state == rules::to_text(state); });
  if (runs || (!goes_on && node.state != parked)) return;
  node.state = failed ? parked : rules::to_text(JobState::cancelled);
  node.waits_for.clear();
  node.prompt.clear();
  node.until.reset();
}

void add_job(RunNode& node, const Job& job) {
  node.state = rules::to_text(job.state);
  node.attempt = job.attempt;
  node.error = job.error;
  const bool was_put_back = job.attempt == 0;  // By a worker that lacks its task.
  if (was_put_back) return;
  node.worker = job.worker;
  node.started_at = job.started_at;
}

}  // namespace

// Nothing when it is forgotten, or the store does not answer.
std::optional<Job> Runs::find_job(const std::string& id) {
  auto store = handles_.lend();
  if (!store) return std::nullopt;
  auto found = (*store)->find(JobId{id});
  if (!found || !*found) return std::nullopt;
  return std::get<Job>(**found);
}

// `open` was read before the nodes that have ended: what has ended meanwhile is among these.
Result<Runs::Open> Runs::add_open(const Run& of, const RunReader::Fields& open,
                                  std::map<std::string, RunNode>& nodes) {
  const std::string& run = of.id.text;
  Open found_open{.only_waits = !open.empty()};
  std::size_t looked_up = 0;
  for (const auto& [name, value] : open) {
    const auto step = rules::read_open_step({.name = name, .value = value});
    if (!step) continue;
    const auto known = nodes.find(name.substr(2));
    const bool waits = step->phase == rules::Phase::main && known != nodes.end() &&
                       !known->second.waits_for.empty();
    if (waits) continue;  // Since the steps were read.
    if (step->phase != rules::Phase::gate) found_open.only_waits = false;
    const bool live = !step->job.empty();
    if (step->phase == rules::Phase::item && live) {
      if (looked_up++ >= most_looked_up) continue;
      const auto job = find_job(step->job);
      // Its map counts those that wait for their turn.
      if (!job || (job->state == JobState::ready && job->attempt == 0)) continue;
      if (job->state == JobState::succeeded) continue;  // Since the steps were read.
      RunNode& item = nodes[name.substr(2)];
      name_node(item, step->place);
      item.job = step->job;
      add_job(item, *job);
      continue;
    }
    RunNode& node = nodes[name.substr(2)];
    name_node(node, step->place);
    const bool has_ended = live && !node.state.empty() && node.job == step->job;
    if (has_ended) continue;
    node.job = step->job;
    if (step->phase == rules::Phase::gate && live) {
      if (!node.waits_for.empty()) continue;
      // It is answered, or has opened since the others were read.
      const auto about = reader_.fields(run, {"n:" + name.substr(2)});
      if (!about) return about.error();
      add_ended(nodes, *about);
      if (node.waits_for.empty()) found_open.only_waits = false;
      continue;
    }
    if (!live) {
      if (node.state.empty()) node.state = parked;
      continue;
    }
    node.state = rules::to_text(JobState::ready);
    if (step->phase == rules::Phase::main) {  // Of a node that is retried its failure was noted.
      node.error.clear();
      node.worker.clear();
      node.started_at.reset();
      node.finished_at.reset();
    }
    if (looked_up++ >= most_looked_up) continue;
    const auto job = find_job(step->job);
    if (!job) continue;
    if (step->phase == rules::Phase::undo) {  // When the node ran and where is told as before.
      node.state = rules::to_text(rules::RunState::compensating);
      node.error = job->error;
      if (job->state == JobState::running) found_open.running.insert(name.substr(2));
      continue;
    }
    add_job(node, *job);
    // It came too late, and nothing of what it did was kept; or it has ended since.
    if (job->state == JobState::succeeded) {
      node.state = rules::to_text(of.ended() ? JobState::ready : JobState::running);
    }
    if (node.state == rules::to_text(JobState::running)) found_open.running.insert(name.substr(2));
  }
  return found_open;
}

Result<void> Runs::add_nodes(Run& run) {
  Nodes nodes;
  const auto steps = reader_.fields_of(run.id.text, "j:");
  if (!steps) return steps.error();
  auto ended = reader_.fields_of(run.id.text, "n:");
  if (!ended) return std::move(ended).error();
  add_ended(nodes, *ended);
  auto open = add_open(run, *steps, nodes);
  if (!open) return std::move(open).error();
  auto maps = reader_.fields_of(run.id.text, "m:");
  if (!maps) return std::move(maps).error();
  std::vector<std::string> counters;
  for (const auto& [name, cell] : *maps) {
    for (const char* kind : {"m:", "md:", "mf:"}) counters.push_back(kind + name.substr(2));
  }
  auto counts = reader_.fields(run.id.text, counters);
  if (!counts) return std::move(counts).error();
  for (const auto& [name, cell] : *maps) {
    const std::string at = name.substr(2);
    if (counts->contains(name)) add_map(nodes[at], at, *counts);
  }
  if (run.state == to_text(rules::RunState::running) && open->only_waits) {
    run.state = rules::to_text(JobState::waiting);
  }
  const bool failed = run.state == to_text(rules::RunState::failed);
  for (auto& [place, node] : nodes) {
    if (run.ended()) settle(node, failed, open->running.contains(place));
    run.nodes.push_back(std::move(node));
  }
  std::ranges::stable_sort(run.nodes, [](const RunNode& a, const RunNode& b) {
    const Time never = Time::max();
    return a.started_at.value_or(never) < b.started_at.value_or(never);
  });
  return {};
}

}  // namespace penstock
