// SPDX-License-Identifier: MIT
#include "worker/node_run.h"

#include "rules/duration.h"
#include "rules/json.h"
#include "rules/limits.h"
#include "rules/run_json.h"
#include "rules/step_answer.h"
#include "store/chance.h"
#include "worker/thrown.h"

#include <algorithm>

namespace penstock {
namespace {

using rules::FlowNode;
using rules::NodeReport;
using rules::Phase;

constexpr Duration store_pause{1000};  // When the store did not answer a step.

}  // namespace

std::optional<rules::Outcome> NodeRun::begin(JobContext& context, bool last_try) {
  context_ = &context;
  last_try_ = last_try;
  report_.place = ticket_.place;
  report_.phase = ticket_.phase;
  report_.tag = ticket_.tag;
  report_.passed = ticket_.passed;
  report_.worker = context.job().worker;
  report_.job = reserved_.id.text;
  report_.attempt = reserved_.attempt;
  report_.started_at = reader_.clock().now();
  if (!reserved_.run_state.empty()) known_["state"] = reserved_.run_state;
  pinned_ = or_throw(reader_.graph(ticket_.definition));
  const bool about_node = rules::is_of_node(ticket_.phase) && !ticket_.place.empty();
  if (about_node) located_ = or_throw(rules::locate(*pinned_.graph, ticket_.place));
  if (may_run()) return std::nullopt;
  report_.end = NodeReport::End::dropped;
  return rules::Cancelled{"its run has ended or failed before it began"};
}

rules::Outcome NodeRun::run(JobContext& context, bool last_try) {
  try {
    if (auto nothing = begin(context, last_try)) return *std::move(nothing);
    return by_phase();
  } catch (const StoreError& e) {
    context.log(std::string("the store did not answer: ") + e.what());
    return rules::Snoozed{store_pause};
  }
}

rules::Outcome NodeRun::by_phase() {
  switch (ticket_.phase) {
    case Phase::main:
      return main();
    case Phase::item:
      return item();
    case Phase::post:
      return post();
    case Phase::sweep:
      return sweep();
    case Phase::undo:
      if (task_ && task_->node) {
        const std::string action = task_->node->post(*this, "null", "null");
        return ended("null", action);
      }
      return run_undo();
    default:
      return ended("null");
  }
}

void NodeRun::start(JobContext& context, AsyncLoop& loop, bool last_try, End end) {
  try {
    auto nothing = begin(context, last_try);
    if (nothing) return end({}, *std::move(nothing));
    const bool waits = ticket_.phase == Phase::main || ticket_.phase == Phase::item ||
                       (ticket_.phase == Phase::post && node().concludes);
    if (!waits || !task_ || !task_->is_async()) return end({}, by_phase());
    if (ticket_.phase == Phase::main && !is_wanted()) {
      report_.end = NodeReport::End::skipped;
      return end({}, rules::Succeeded{});
    }
    start_code(loop, end);
  } catch (const StoreError&) {
    end({}, rules::Snoozed{store_pause});
  } catch (...) {
    end(std::current_exception(), {});
  }
}

void NodeRun::start_code(AsyncLoop& loop, const End& end) {
  const auto finish = [this, end](std::exception_ptr thrown, std::string result,
                                  std::optional<std::string> action) {
    rules::Outcome outcome;
    try {
      if (!thrown && !action) action = hear(result);
      if (!thrown) outcome = ended(std::move(result), *std::move(action));
    } catch (...) {
      thrown = std::current_exception();
    }
    end(thrown, std::move(outcome));
  };
  if (!task_->node) {
    if (ticket_.phase == Phase::item) item_ = item_at(ticket_.place);
    return task_->start(bind(node().with), *context_, loop,
                        [finish](const std::exception_ptr& thrown, std::string result) {
                          finish(thrown, std::move(result), std::nullopt);
                        });
  }
  AsyncNodeCall call{.port = this, .loop = &loop, .last_try = last_try_};
  call.keep = [this](std::string prepared) { keep(std::move(prepared)); };
  call.end = finish;
  if (node().map) {
    batch_part(call, end);
  } else if (reserved_.attempt > 1) {
    call.kept = field("p:" + rules::write_place(ticket_.place));
    if (call.kept) do_as_prep_did();
  }
  task_->node->start(std::move(call));
}

// A run that is over, or about to be, begins nothing.
bool NodeRun::may_run() {
  if (ticket_.phase == Phase::sweep) return true;
  const std::string state = field("state").value_or("");
  if (ticket_.phase == Phase::undo) return state == to_text(rules::RunState::compensating);
  if (ticket_.phase == Phase::fire || ticket_.phase == Phase::cancel) return !state.empty();
  return state == to_text(rules::RunState::running);
}

rules::Outcome NodeRun::main() {
  const FlowNode& node = this->node();
  const bool in_map = ticket_.place.back().item >= 0;
  if (!in_map && !is_wanted()) {
    report_.end = NodeReport::End::skipped;
    return rules::Succeeded{};
  }
  if (node.map && !in_map && !node.map->over.empty()) return stage_map();
  if (node.kind == FlowNode::Kind::child) {
    report_.child = to_hex(new_secret()).substr(0, 32);
    report_.child_input = bind(node.with);
    or_throw(rules::check_input_keys(report_.child_input));
    return ended("null");
  }
  if (task_ && task_->node) return run_node(*task_->node);
  if (node.kind == FlowNode::Kind::task || node.kind == FlowNode::Kind::code) return run_task();
  return ended("null");  // A gate or a flow that was to wait for its `when`.
}

bool NodeRun::is_wanted() {
  if (node().when.empty()) return true;
  const auto when = or_throw(rules::Expression::parse(node().when));
  return when.evaluate([this](const rules::PathRoot& root) { return at(root); });
}

std::string NodeRun::bind(const std::string& with) {
  if (with.empty()) return item_ ? *item_ : input();
  const auto parsed = or_throw(rules::Template::parse(with));
  return parsed.evaluate([this](const rules::PathRoot& root) { return at(root); });
}

rules::Outcome NodeRun::run_task() {
  const std::string result = task_->run(bind(node().with), *context_);
  return ended(result, hear(result));
}

// What it takes back is what the node did, unless it is told otherwise.
rules::Outcome NodeRun::run_undo() {
  const bool told = !node().undo_with.empty();
  const std::string result = task_->run(
      told ? bind(node().undo_with) : this->result(node().name).value_or("null"), *context_);
  hear(result);
  return ended(result);
}

std::string NodeRun::hear(const std::string& result) {
  const auto answer = rules::read_step_answer(result);
  if (!answer) throw NoRetry("task " + context_->job().task + ": " + answer.error().message);
  for (const std::string& key : answer->erase) erase(key);
  for (const auto& [key, value] : answer->set) write(key, value);
  for (const auto& [key, value] : answer->add) add(key, value);
  for (const auto& [key, value] : answer->append) append(key, value);
  for (const auto& [key, value] : answer->prepend) prepend(key, value);
  return answer->action;
}

rules::Outcome NodeRun::run_node(const NodeSteps& steps) {
  const std::string kept = "p:" + rules::write_place(ticket_.place);
  const auto before = reserved_.attempt > 1 ? field(kept) : std::nullopt;
  if (before) do_as_prep_did();
  const std::string prepared = before       ? *before
                               : steps.prep ? once(*context_, [&] { return steps.prep(*this); })
                                            : "null";
  const bool maps = node().map && ticket_.place.back().item < 0;
  if (maps) return stage_prepared(prepared);
  if (!steps.exec) return ended("null", after(steps, prepared, "null"));
  keep(prepared);
  const std::string result = exec(steps, prepared);
  return ended(result, after(steps, prepared, result));
}

// What its post makes of the result: an action.
std::string NodeRun::after(const NodeSteps& steps, const std::string& prepared,
                           const std::string& result) {
  if (!steps.post) return "default";
  return once(*context_, [&] { return steps.post(*this, prepared, result); });
}

// Only exec is tried again; after the last try the fallback answers.
std::string NodeRun::exec(const NodeSteps& steps, const std::string& prepared) {
  try {
    return steps.exec(prepared, *this);
  } catch (const Snooze&) {
    throw;
  } catch (const Cancel&) {
    throw;
  } catch (const NoRetry&) {
    if (!steps.fallback) throw;
    return steps.fallback(prepared, std::current_exception());
  } catch (...) {
    if (!last_try_ || !steps.fallback) throw;
    return steps.fallback(prepared, std::current_exception());
  }
}

void NodeRun::check_result(const std::string& result) {
  if (result.size() <= rules::max_result_bytes) return;
  throw NoRetry("the result has " + std::to_string(result.size()) + " bytes, the limit is " +
                std::to_string(rules::max_result_bytes) + ": store it elsewhere and return where");
}

rules::Outcome NodeRun::ended(std::string result, std::string action) {
  check_result(result);
  report_.result = result;
  report_.action = std::move(action);
  collect(report_);
  if (ticket_.phase == Phase::main && !report_.items && report_.child.empty()) run_local();
  return rules::Succeeded{std::move(result)};
}

void NodeRun::collect(NodeReport& into) {
  // What is written is seen by local nodes behind this one.
  std::map<std::string, std::optional<std::string>> seen;
  if (local_behind(located_.node) || !report_.local.empty()) {
    for (const auto& [key, written] : written_) seen[key] = read(key);
  }
  for (auto& [key, written] : written_) {
    const std::string name = "s:" + key;
    if (written.replaced) {
      into.set.push_back({.name = name, .value = written.value});
      into.set.push_back({.name = "c:" + key, .value = std::nullopt});
    }
    if (!written.added.empty()) into.add.push_back({.name = name, .by = written.added});
    for (std::string& value : written.appended) {
      into.append.push_back({.list = name, .value = std::move(value)});
    }
    // Another list than the one before bears another mark, for those that read it in parts.
    const std::string mark = written.replaced ? reserved_.id.text : "1";
    if (!written.appended.empty()) into.set.push_back({.name = "c:" + key, .value = mark});
  }
  written_.clear();
  for (auto& [key, value] : seen) {
    known_["s:" + key] = std::move(value);
    known_["c:" + key] = std::nullopt;
  }
}

bool NodeRun::local_behind(int node) const {
  if (node < 0) return false;
  const rules::Graph& graph = *located_.graph;
  return std::ranges::any_of(graph.nodes()[node].out, [&](int e) {
    const int to = graph.edges()[e].to;
    return to >= 0 && graph.nodes()[to].node->local;
  });
}

std::optional<NodeRun::LocalFault> NodeRun::try_locally(const NodeSteps& steps, NodeReport& step) {
  const bool single = last_try_ = node().own.max_attempts == 1;
  try {
    const std::string prepared =
        steps.prep ? once(*context_, [&] { return steps.prep(*this); }) : "null";
    step.result = steps.exec ? exec(steps, prepared) : "null";
    check_result(step.result);
    step.action = after(steps, prepared, step.result);
    return std::nullopt;
  } catch (const NoRetry& e) {
    return LocalFault{.text = message_of(e), .for_good = true};
  } catch (const Snooze&) {
    return LocalFault{};
  } catch (const Cancel& e) {
    // It may be what it was told, with the step that it runs in.
    if (context_->stop().stop_requested()) return LocalFault{};
    return LocalFault{.text = e.what(), .for_good = true};
  } catch (const std::exception& e) {
    return LocalFault{.text = message_of(e), .for_good = single};
  } catch (...) {
    return LocalFault{.text = nameless_throw, .for_good = single};
  }
}

// Nodes that run where the one before them ended. One that fails, and may be tried again, is fired
// like any other.
void NodeRun::run_local() {
  if (!report_.next.empty() || report_.iterate || report_.terminate || report_.cancel) return;
  const rules::Graph& graph = *located_.graph;
  int from = located_.node;
  std::string action = report_.action;
  results_[node().name] = report_.result;
  local_ = true;
  while (true) {
    int target = -1;
    for (const int e : graph.nodes()[from].out) {
      const auto& edge = graph.edges()[e];
      if (edge.action != action || edge.to < 0) continue;
      if (graph.nodes()[edge.to].node->local && target < 0) target = edge.to;
    }
    if (target < 0) return;
    const FlowNode& local = *graph.nodes()[target].node;
    const Tasks::Task* task = tasks_.find(local.task);
    if (!task || !task->node || task->node->start) return;
    NodeReport step{.place = {{.node = local.name}}, .phase = Phase::main};
    step.worker = report_.worker;
    step.job = report_.job;
    step.started_at = reader_.clock().now();
    const NodeReport before = report_;
    located_.node = target;
    if (const auto fault = try_locally(*task->node, step)) {
      written_.clear();
      const auto locks = std::exchange(report_, before).locks;
      report_.locks = locks;  // Free again with this commit.
      if (!fault->for_good) return;
      step.end = NodeReport::End::failed;
      step.error = fault->text;
      report_.local.push_back(std::move(step));
      return;
    }
    collect(step);
    // Its dynamic steps are its own.
    step.next = std::exchange(report_.next, {});
    step.iterate = std::exchange(report_.iterate, {});
    step.terminate = std::exchange(report_.terminate, {});
    step.cancel = std::exchange(report_.cancel, {});
    results_[local.name] = step.result;
    action = step.action;
    from = target;
    const bool stops = step.iterate || step.terminate || step.cancel || !step.next.empty();
    report_.local.push_back(std::move(step));
    if (stops) return;
  }
}

}  // namespace penstock
