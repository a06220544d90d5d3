// SPDX-License-Identifier: MIT
//
// Firing a node: which visit it is, and what has to be brought into being for it.
#include "rules/counted.h"
#include "rules/duration.h"
#include "rules/json.h"
#include "rules/limits.h"
#include "rules/run_step.h"

namespace penstock::rules {

// Those of the run, and of every flow on the way to a node inside: the stricter holds.
FlowLimits RunStep::limits_of(const Spot& spot) const {
  const Graph* graph = flow_.graph.get();
  FlowLimits limits = graph->definition().limits;
  for (const PlaceSegment& segment : spot.outer) {
    graph = graph->nodes()[graph->find(segment.node)].body.get();
    const FlowLimits& own = graph->definition().limits;
    limits.max_cycles = std::min(limits.max_cycles, own.max_cycles);
    limits.fail_on_missing = limits.fail_on_missing || own.fail_on_missing;
    if (own.max_visits == 0) continue;
    limits.max_visits =
        limits.max_visits == 0 ? own.max_visits : std::min(limits.max_visits, own.max_visits);
  }
  return limits;
}

void RunStep::fire(Token token, bool dynamic) {
  forget_passed(token);
  const FlowNode& node = node_of(token);
  const std::int64_t visit = next_visit(token, dynamic);
  Place place = token.spot.outer;
  place.push_back({.node = node.name, .visit = visit});
  count(token, 1);
  const Graph::Node& at = token.spot.graph->nodes()[token.node];
  // A loop may end in the step that it begins in.
  const bool is_header = token.spot.graph->is_header(token.node);
  if (is_header && token.tag.back() == 1) loop_of(token, token.node).ends = true;
  const bool may_be_noted = visit == 1 && at.loops.empty() && !at.heads.empty();
  if (may_be_noted) edit_.erase("n:" + write_place(place));  // As skipped so far.
  const FlowLimits limits = limits_of(token.spot);
  ++fired_;
  if (state_ == RunState::running && limits.max_visits > 0 && visit > limits.max_visits) {
    fail(place, "node " + node.name + " was to run " + std::to_string(visit) +
                    " times, max_visits is " + std::to_string(limits.max_visits));
  }
  std::int64_t steps = fired_;
  if (const auto known = edit_.guess("steps")) steps += std::stoll(*known);
  if (state_ == RunState::running && steps > limits.max_steps) {
    fail(place, "max_steps exceeded: the run has made " + counted(limits.max_steps, "step") +
                    " and would make another at " + node.name);
  }
  if (state_ != RunState::running) return park(token, place, Phase::main);
  if (run_locally(token, place)) return;
  open(token, place);
}

// A node that no turn of a loop tells apart has one visit, unless somebody asks for it by name.
std::int64_t RunStep::next_visit(const Token& token, bool dynamic) {
  if (!dynamic && token.tag.empty()) return 1;
  const std::int64_t visit = visits_of(token) + 1;
  edit_.write_number("v:" + token.spot.scope + node_of(token).name, visit);
  return visit;
}

std::int64_t RunStep::visits_of(const Token& token) {
  const bool counted = !token.spot.graph->nodes()[token.node].heads.empty();
  return edit_.read_number("v:" + token.spot.scope + node_of(token).name, counted ? 0 : 1);
}

bool RunStep::run_locally(const Token& token, const Place& place) {
  if (local_.empty() || local_.front()->place.back().node != place.back().node) return false;
  NodeReport report = *local_.front();
  local_.pop_front();
  report.place = place;
  report.tag = token.tag;
  report.passed = token.passed;
  if (report.end == NodeReport::End::failed) {
    end_running(report, token);
    return true;
  }
  if (refuse(report, token)) return true;
  record(report, token, JobState::succeeded);
  follow(report, token);
  return true;
}

void RunStep::open(const Token& token, const Place& place) {
  const FlowNode& node = node_of(token);
  switch (node.kind) {
    case FlowNode::Kind::gate:
      if (node.when.empty()) return open_gate(token, place);
      break;
    case FlowNode::Kind::flow:
      if (place.back().item >= 0) return open_body(token, place);
      if (!node.map && !node.prepares && node.when.empty() && node.with.empty()) {
        return open_body(token, place);
      }
      break;
    default:
      break;
  }
  job(token, place, place.back().item >= 0 ? Phase::item : Phase::main);
}

void RunStep::open_body(const Token& token, const Place& place) {
  const std::string tag = write_tag(token.tag, token.passed);
  if (!tag.empty()) edit_.write("b:" + write_place(place), tag);
  Token first{.spot = {.graph = token.spot.graph->nodes()[token.node].body.get(),
                       .scope = write_place(place) + '/',
                       .outer = place}};
  first.node = first.spot.graph->start();
  if (first.spot.graph->is_header(first.node)) first.tag = {1};
  fire(first);
}

void RunStep::open_gate(const Token& token, const Place& place) {
  const FlowNode& node = node_of(token);
  const std::string at = write_place(place);
  edit_.write("g:" + at, "open");
  JsonWriter about;
  about.begin_object().key("state").text(to_text(JobState::waiting));
  if (node.gate) {
    about.key("waits_for").text(to_text(node.gate->ask));
    if (!node.gate->prompt.empty()) about.key("prompt").text(node.gate->prompt);
    if (!node.gate->choices.empty()) {
      about.key("choices").begin_array();
      for (const std::string& choice : node.gate->choices) about.text(choice);
      about.end_array();
    }
    if (node.gate->deadline) {
      about.key("until_ms").number(to_ms(clock_.now + *node.gate->deadline));
    }
  } else {
    about.key("waits_for").text("run").key("run").text(edit_.read("k:" + at).value_or(""));
  }
  about.key("started_ms").number(to_ms(clock_.now)).end_object();
  edit_.write("n:" + at, about.take());
  put_job(token, place, Phase::gate, std::string(step_task));
}

// Items of a map over a path, flows and runs inside begin with a job that any worker can do.
void RunStep::job(const Token& token, const Place& place, Phase phase) {
  const FlowNode& node = node_of(token);
  const bool code = !node.task.empty();
  bool steps = !code || node.kind == FlowNode::Kind::gate || node.kind == FlowNode::Kind::child;
  if (node.kind == FlowNode::Kind::flow && phase == Phase::main) steps = !node.prepares;
  if (node.map && !node.map->over.empty() && phase == Phase::main) steps = true;
  if (phase == Phase::post && !node.concludes) steps = true;
  put_job(token, place, phase, steps ? std::string(step_task) : node.task);
}

void RunStep::put_job(const Token& token, const Place& place, Phase phase,
                      const std::string& task) {
  if (phase != Phase::undo) ++began_;
  const std::string at = write_place(place);
  const std::string prefix =
      write_tag(token.tag, token.passed) + '|' + std::string(to_text(phase)) + '|';
  if (edit_.jobs() >= step_fires) {
    edit_.write("j:" + at, prefix);
    later_.push_back(at);
    return;
  }
  const FlowNode& node = node_of(token);
  RunJob job{.field = "j:" + at, .prefix = prefix};
  job.job.task = phase == Phase::undo ? node.undo_task : task;
  job.job.payload = "null";
  job.job.queue = node.queue;
  job.job.pool = node.pool;
  if (task != step_task || phase == Phase::undo) {
    job.job.own = node.own;
  }
  NodeTicket ticket{.run = edit_.run(),
                    .definition = flow_.hash,
                    .place = place,
                    .tag = token.tag,
                    .passed = token.passed,
                    .phase = phase};
  if (phase == Phase::item) {
    ticket.stage = read_map(edit_.read("m:" + write_place(map_of(place))).value_or("")).stage;
  }
  job.job.own.node = write_ticket(ticket);
  // Of a run that goes on after it was halted, a gate may have been answered meanwhile.
  if (phase == Phase::gate && edit_.read("g:" + at) == "open") {
    job.job.first = JobState::waiting;
    if (node.gate && node.gate->deadline) {
      job.job.first = JobState::scheduled;
      job.job.due = clock_.now + *node.gate->deadline;
    }
  }
  edit_.job(std::move(job));
}

void RunStep::put_step(const Place& place, Phase phase, std::optional<Time> due,
                       const std::string& field) {
  RunJob job{.field = field, .prefix = "||"};
  job.job.task = step_task;
  job.job.payload = "null";
  // The end of a run and of those inside does not wait behind their steps.
  if (phase != Phase::fire) job.job.priority = max_priority;
  job.job.queue = flow_.graph->definition().nodes.front().queue;
  job.job.pool = flow_.graph->definition().nodes.front().pool;
  job.job.own.node =
      write_ticket({.run = edit_.run(), .definition = flow_.hash, .place = place, .phase = phase});
  if (due) {
    job.job.first = JobState::scheduled;
    job.job.due = due;
  }
  edit_.job(std::move(job));
}

// What was too much for one step is written down, and a job goes on with it.
void RunStep::go_on_firing(const NodeReport& report) {
  const std::string field = "w:" + report.place.front().node;
  std::string left = edit_.read(field).value_or("");
  edit_.erase(field);
  while (!left.empty()) {
    const auto end = left.find('\n');
    const std::string at = left.substr(0, end);
    left.erase(0, end == std::string::npos ? left.size() : end + 1);
    const auto open = read_open_step({.name = "j:" + at, .value = edit_.read("j:" + at)});
    if (!open || !open->job.empty()) continue;
    if (state_ != RunState::running) {
      --began_;  // It stays as it is: parked.
      continue;
    }
    Token token{.spot = spot_of(open->place), .tag = open->tag, .passed = open->passed};
    token.node = token.spot.graph->find(open->place.back().node);
    --began_;  // Counted when it was put off.
    if (edit_.jobs() >= step_fires) {
      ++began_;
      later_.push_back(at);
      continue;
    }
    if (open->phase == Phase::main || open->phase == Phase::item) {
      edit_.erase("j:" + at);
      this->open(token, open->place);
    } else {
      job(token, open->place, open->phase);
    }
  }
}

}  // namespace penstock::rules
