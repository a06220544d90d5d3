// SPDX-License-Identifier: MIT
//
// The builder behind flow.h: what users put together becomes a definition, and the code of its
// nodes the tasks of a worker.
#include "rules/counted.h"
#include "rules/definition.h"
#include "rules/flow_check.h"
#include "rules/json.h"

#include <penstock/flow.h>

#include <algorithm>
#include <set>

namespace penstock {

struct FlowParts {
  struct Code {
    std::string task = {};
    std::shared_ptr<const NodeSteps> steps = {};  // The same in every copy of a flow.
  };
  rules::FlowDefinition definition = {};
  std::vector<Code> code = {};
  std::vector<std::shared_ptr<FlowParts>> inner = {};
  std::vector<std::string> slips = {};  // Of putting it together; check() tells them.
  // `from >> (to - action)`: something has to go on from `to` with that action.
  struct Pending {
    int from = 0, to = 0;
    std::string action = {};
  };
  std::vector<Pending> pending = {};
};

namespace {

rules::GroupPolicy policy_of(const Policy& policy) {
  return {.kind = static_cast<rules::GroupPolicy::Kind>(policy.kind),
          .need = policy.need,
          .critical = policy.nodes};
}

// Of a part of a node. What cannot be JSON is noted, and left out.
std::string json_of(FlowParts& parts, const std::string& node, std::string_view part,
                    const json& value) {
  if (value.is_null()) return {};
  auto text = write_json(value);
  if (text) return *std::move(text);
  parts.slips.push_back("node " + node + ": " + std::string(part) +
                        " cannot be written as JSON: " + text.error().message);
  return {};
}

rules::FlowNode node_of(FlowParts& parts, std::string name, const NodeOptions& options) {
  rules::FlowNode node;
  node.name = std::move(name);
  node.queue = options.queue;
  node.pool = options.pool;
  node.own.max_attempts = options.max_attempts;
  node.own.backoff = options.backoff;
  node.own.timeout = options.timeout;
  node.local = options.local;
  node.join = options.join;
  node.params = json_of(parts, node.name, "params", options.params);
  return node;
}

void connect(FlowParts& parts, int from, int to, const std::string& action) {
  auto& next = parts.definition.nodes[from].next;
  const rules::FlowEdge edge{.action = action, .target = parts.definition.nodes[to].name};
  if (std::ranges::find(next, edge) == next.end()) next.push_back(edge);
}

// Another instance of a node: the same task under a name of its own.
int instance_of(FlowParts& parts, int node) {
  auto& nodes = parts.definition.nodes;
  rules::FlowNode copy = nodes[node];
  copy.next.clear();
  for (int number = 2;; ++number) {
    copy.name = nodes[node].name + '_' + std::to_string(number);
    if (std::ranges::find(nodes, copy.name, &rules::FlowNode::name) == nodes.end()) break;
  }
  nodes.push_back(std::move(copy));
  return static_cast<int>(nodes.size()) - 1;
}

using CodeOf = std::map<std::string, std::shared_ptr<const NodeSteps>, std::less<>>;

// The code of every task, of flows inside too. A task's name is that of its flow and its node, so
// two flows of one name have one code or get into each other's way: `twice` tells the first such
// task.
void gather_code(const FlowParts& parts, CodeOf& all, std::string& twice) {
  CodeOf own;
  for (const FlowParts::Code& code : parts.code) own[code.task] = code.steps;
  for (const auto& [task, steps] : own) {
    const auto [known, added] = all.try_emplace(task, steps);
    if (!added && known->second != steps && twice.empty()) twice = task;
  }
  for (const auto& inner : parts.inner) gather_code(*inner, all, twice);
}

std::shared_ptr<const NodeSteps> shared_code(NodeSteps steps) {
  return std::make_shared<const NodeSteps>(std::move(steps));
}

std::set<std::string> slips_of(const FlowParts& parts) {
  std::set<std::string> slips(parts.slips.begin(), parts.slips.end());
  for (const FlowParts::Pending& one : parts.pending) {
    const auto& nodes = parts.definition.nodes;
    if (std::ranges::count(nodes[one.to].next, one.action, &rules::FlowEdge::action) > 0) continue;
    const std::string &from = nodes[one.from].name, &to = nodes[one.to].name;
    slips.insert(
        "the action \"" + one.action + "\" behind an arrow to node " + to +
        " is of the edges that begin there, and none does: an edge on that action of node " + from +
        " is (" + from + " - \"" + one.action + "\") >> " + to);
  }
  for (const auto& inner : parts.inner) slips.merge(slips_of(*inner));
  return slips;
}

Result<void> compile(const std::shared_ptr<FlowParts>& parts) {
  std::vector<rules::FlowProblem> problems;
  const auto definition = std::make_shared<const rules::FlowDefinition>(parts->definition);
  rules::Graph::compile(definition, problems);
  rules::check_flow(*definition, problems);
  for (const std::string& slip : slips_of(*parts)) problems.push_back({.text = slip});
  CodeOf all;
  std::string twice;
  gather_code(*parts, all, twice);
  if (!twice.empty()) {
    problems.push_back({.text = "two flows in it have a node " + twice +
                                ", each with code of its own: give every flow another name, or use "
                                "one flow in both places"});
  }
  if (problems.empty()) return {};
  std::string text;
  for (const rules::FlowProblem& problem : problems) {
    if (!text.empty()) text += '\n';
    text += "flow " + parts->definition.flow;
    if (!problem.node.empty()) text += ", node " + problem.node;
    text += ": " + problem.text;
  }
  return Error{Errc::invalid, text};
}

// False, and noted in both: their nodes know each other by their places in one flow.
bool in_one_flow(const std::shared_ptr<FlowParts>& a, const std::shared_ptr<FlowParts>& b) {
  if (a == b) return a != nullptr;
  if (!a || !b) {
    (a ? a : b)->slips.emplace_back("a node is connected with one that no flow has made");
    return false;
  }
  const std::string slip = "nodes of flow " + a->definition.flow + " and of flow " +
                           b->definition.flow +
                           " are connected: a flow inside another is one node of it, made with "
                           "flow() or run()";
  for (const auto& parts : {a, b}) parts->slips.push_back(slip);
  return false;
}

}  // namespace

Nodes Nodes::on(std::string action) const {
  Nodes named = *this;
  named.action_ = std::move(action);
  return named;
}

Nodes Nodes::with(const Policy& policy, std::string name) const {
  if (!parts_) return *this;  // Of no flow: whoever connects it is told.
  auto& definition = parts_->definition;
  rules::FlowGroup group{.name = std::move(name), .policy = policy_of(policy)};
  if (group.name.empty()) group.name = "group" + std::to_string(definition.groups.size() + 1);
  for (const int node : last_) group.members.push_back(definition.nodes[node].name);
  definition.groups.push_back(std::move(group));
  return *this;
}

void Nodes::add_undo(NodeSteps steps) const {
  const auto code = shared_code(std::move(steps));
  for (const int at : last_) {
    rules::FlowNode& node = parts_->definition.nodes[at];
    node.undo_task = parts_->definition.flow + '.' + node.name + ".undo";
    parts_->code.push_back({.task = node.undo_task, .steps = code});
  }
}

Nodes operator>>(const Nodes& from, const Nodes& to) {
  if (!in_one_flow(from.parts_, to.parts_)) return from;
  for (const int a : from.last_) {
    for (const int b : to.first_) connect(*from.parts_, a, b, from.action_);
  }
  if (to.action_ != "default") {
    from.parts_->pending.push_back(
        {.from = from.last_.front(), .to = to.last_.front(), .action = to.action_});
  }
  Nodes both = from;
  both.last_ = to.last_;
  both.action_ = to.action_;
  return both;
}

Nodes operator|(const Nodes& a, const Nodes& b) {
  if (!in_one_flow(a.parts_, b.parts_)) return a;
  if (a.action_ != b.action_) {
    a.parts_->slips.push_back("nodes with the actions \"" + a.action_ + "\" and \"" + b.action_ +
                              "\" are one group: connect each by itself");
  }
  Nodes both = a;
  for (const int node : b.first_) {
    const bool again = std::ranges::find(both.first_, node) != both.first_.end();
    const bool single = b.first_ == b.last_;
    const int member = again && single ? instance_of(*a.parts_, node) : node;
    both.first_.push_back(member);
    if (single) both.last_.push_back(member);
  }
  if (b.first_ != b.last_) both.last_.insert(both.last_.end(), b.last_.begin(), b.last_.end());
  return both;
}

Flow::Flow(std::string name, FlowOptions options) : parts_(std::make_shared<FlowParts>()) {
  parts_->definition.flow = std::move(name);
  rules::FlowLimits& limits = parts_->definition.limits;
  limits.max_steps = options.max_steps;
  limits.max_visits = options.max_visits;
  limits.max_cycles = options.max_cycles;
  limits.timeout = options.timeout;
  limits.fail_on_missing = options.fail_on_missing;
}

namespace {

using NodeKind = rules::FlowNode::Kind;

std::string task_name(const FlowParts& parts, const std::string& node) {
  return parts.definition.flow + '.' + node;
}

}  // namespace

Nodes Flow::newest() const {
  Nodes nodes;
  nodes.parts_ = parts_;
  nodes.first_ = nodes.last_ = {static_cast<int>(parts_->definition.nodes.size()) - 1};
  return nodes;
}

Nodes Flow::add_node(std::string name, NodeSteps steps, NodeOptions options) {
  rules::FlowNode node = node_of(*parts_, std::move(name), options);
  node.kind = NodeKind::code;
  node.task = task_name(*parts_, node.name);
  parts_->code.push_back({.task = node.task, .steps = shared_code(std::move(steps))});
  parts_->definition.nodes.push_back(std::move(node));
  return newest();
}

Nodes Flow::add_batch(std::string name, NodeSteps steps, NodeOptions options, MapOptions map) {
  rules::FlowNode node = node_of(*parts_, std::move(name), options);
  node.kind = NodeKind::code;
  node.task = task_name(*parts_, node.name);
  node.concludes = true;
  node.map = rules::NodeMap{.parallel = map.parallel, .policy = policy_of(map.policy)};
  parts_->code.push_back({.task = node.task, .steps = shared_code(std::move(steps))});
  parts_->definition.nodes.push_back(std::move(node));
  return newest();
}

Nodes Flow::add_map(std::string name, std::string over, NodeSteps steps, NodeOptions options,
                    MapOptions map) {
  rules::FlowNode node = node_of(*parts_, std::move(name), options);
  node.kind = NodeKind::code;
  node.task = task_name(*parts_, node.name);
  parts_->code.push_back({.task = node.task, .steps = shared_code(std::move(steps))});
  parts_->definition.nodes.push_back(std::move(node));
  return make_map(newest(), std::move(over), map);
}

Nodes Flow::job(std::string name, std::string task, const json& with, NodeOptions options) {
  rules::FlowNode node = node_of(*parts_, std::move(name), options);
  node.task = std::move(task);
  node.with = json_of(*parts_, node.name, "with", with);
  parts_->definition.nodes.push_back(std::move(node));
  return newest();
}

Nodes Flow::make_map(const Nodes& node, std::string over, const MapOptions& map) {
  parts_->definition.nodes.back().map = rules::NodeMap{
      .over = std::move(over), .parallel = map.parallel, .policy = policy_of(map.policy)};
  return node;
}

Nodes Flow::map_jobs(std::string name, std::string over, std::string task, const json& with,
                     const MapOptions& map, NodeOptions options) {
  return make_map(job(std::move(name), std::move(task), with, std::move(options)), std::move(over),
                  map);
}

Nodes Flow::map_runs(std::string name, std::string over, const Flow& inner, const json& with,
                     const MapOptions& map, NodeOptions options) {
  return make_map(run(std::move(name), inner, with, std::move(options)), std::move(over), map);
}

Nodes Flow::gate(std::string name, GateOptions gate, NodeOptions options) {
  rules::FlowNode node = node_of(*parts_, std::move(name), options);
  node.kind = NodeKind::gate;
  node.gate = rules::Gate{.ask = static_cast<rules::Gate::Ask>(gate.ask),
                          .prompt = std::move(gate.prompt),
                          .choices = std::move(gate.choices),
                          .deadline = gate.deadline};
  parts_->definition.nodes.push_back(std::move(node));
  return newest();
}

// The inner flow as it is now: what is added to it later is not in this one, and one inside itself
// has an end.
Nodes Flow::flow(std::string name, const Flow& inner, NodeOptions options) {
  rules::FlowNode node = node_of(*parts_, std::move(name), options);
  node.kind = NodeKind::flow;
  node.body = std::make_shared<const rules::FlowDefinition>(inner.parts_->definition);
  parts_->inner.push_back(std::make_shared<FlowParts>(*inner.parts_));
  parts_->definition.nodes.push_back(std::move(node));
  return newest();
}

Nodes Flow::add_batch_flow(std::string name, const Flow& inner, NodeSteps sets, NodeOptions options,
                           MapOptions map) {
  rules::FlowNode node = node_of(*parts_, std::move(name), options);
  node.kind = NodeKind::flow;
  node.task = task_name(*parts_, node.name);
  node.prepares = true;
  node.map = rules::NodeMap{.parallel = map.parallel, .policy = policy_of(map.policy)};
  node.body = std::make_shared<const rules::FlowDefinition>(inner.parts_->definition);
  parts_->inner.push_back(std::make_shared<FlowParts>(*inner.parts_));
  parts_->code.push_back({.task = node.task, .steps = shared_code(std::move(sets))});
  parts_->definition.nodes.push_back(std::move(node));
  return newest();
}

Nodes Flow::run(std::string name, const Flow& inner, const json& with, NodeOptions options) {
  rules::FlowNode node = node_of(*parts_, std::move(name), options);
  node.kind = NodeKind::child;
  node.with = json_of(*parts_, node.name, "with", with);
  node.body = std::make_shared<const rules::FlowDefinition>(inner.parts_->definition);
  parts_->inner.push_back(std::make_shared<FlowParts>(*inner.parts_));
  parts_->definition.nodes.push_back(std::move(node));
  return newest();
}

void Flow::start(const Nodes& node) {
  if (!in_one_flow(parts_, node.parts_)) return;
  parts_->definition.start = parts_->definition.nodes[node.first_.front()].name;
}

void Flow::check_names(const std::string& node, std::size_t taken, std::size_t named) {
  if (taken == named) return;
  parts_->slips.push_back("node " + node + ": its function takes " +
                          rules::counted(static_cast<std::int64_t>(taken), "named parameter") +
                          ", " + std::to_string(named) + (named == 1 ? " is named" : " are named"));
}

Result<void> Flow::check() const { return compile(parts_); }

const std::string& Flow::name() const { return parts_->definition.flow; }

Result<std::string> Flow::definition() const {
  if (auto ok = check(); !ok) return std::move(ok).error();
  return rules::write_definition(parts_->definition);
}

Result<void> Tasks::add(const Flow& flow) {
  auto definition = flow.definition();
  if (!definition) return std::move(definition).error();
  CodeOf all;
  std::string twice;
  gather_code(*flow.parts_, all, twice);
  for (const auto& [task, steps] : all) {
    const Task* const known = find(task);
    if (!known || known->node == steps) continue;
    return Error{Errc::invalid, "flow " + flow.name() + ": there is a task " + task +
                                    " already, with other code: give the flow another name"};
  }
  for (const auto& [task, steps] : all) put({.name = task, .node = steps});
  add_flow({.flow = flow.name(), .definition = *std::move(definition)});
  return {};
}

json bound_parameter(NodePort& port, std::string_view task, std::string_view parameter) {
  if (auto result = port.result(parameter)) return json::parse(*result);
  if (auto value = port.read(parameter)) return json::parse(*value);
  const json input = json::parse(port.input());
  const std::string name(parameter);
  if (input.is_object() && input.contains(name)) return input.at(name);
  throw NoRetry("task " + std::string(task) + ": parameter \"" + name +
                "\" has no value: no node of that name has a result, and neither the shared store "
                "nor the input has the key");
}

}  // namespace penstock
