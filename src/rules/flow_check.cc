// SPDX-License-Identifier: MIT
#include "rules/flow_check.h"

#include "rules/admission.h"
#include "rules/advance.h"
#include "rules/expression.h"
#include "rules/json.h"
#include "rules/name.h"
#include "rules/perhaps.h"
#include "rules/run_json.h"

#include <algorithm>
#include <set>
#include <unordered_set>

namespace penstock::rules {
namespace {

constexpr std::size_t most_names = 1000;  // That one name is compared with, for a guess.

constexpr std::size_t most_listed = 10;

// Times that lie so far ahead have to be numbers yet.
constexpr Duration longest_span{100LL * 365 * 86'400'000};

// "a", "a or b", "a, b or c"
std::string either(const std::vector<std::string>& names) {
  std::string text;
  const std::size_t shown = std::min(names.size(), most_listed);
  for (std::size_t i = 0; i < shown; ++i) {
    const bool last = i + 1 == names.size();
    text += (i == 0 ? "" : last ? " or " : ", ") + printable(names[i]);
  }
  return shown == names.size() ? text : text + " and others";
}

// The nodes that a path can name, from the inside out.
struct Scope {
  const FlowDefinition& flow;
  const Scope* around = nullptr;
  bool own_run = false;  // What is around it is another run, whose results are not here.
  std::unordered_set<std::string_view> names = {};
};

class FlowCheck {
 public:
  explicit FlowCheck(std::vector<FlowProblem>& problems) : problems_(problems) {}

  void flow(const FlowDefinition& flow, const Scope* around, bool own_run,
            const std::string& prefix, int depth) {
    Scope scope{.flow = flow, .around = around, .own_run = own_run};
    for (const FlowNode& node : flow.nodes) scope.names.insert(node.name);
    name_ = prefix.substr(0, prefix.rfind('/'));
    check_limits(flow.limits);
    for (const FlowGroup& group : flow.groups) check_need("group " + group.name, group.policy);
    for (const FlowNode& node : flow.nodes) {
      name_ = prefix + node.name;
      check_options(node);
      check_paths(node, scope);
      check_actions(node);
      if (node.gate) check_gate(*node.gate);
      if (node.kind == FlowNode::Kind::flow && node.body) check_part(node.body->limits);
      if (!node.body || depth >= max_flow_depth) continue;  // Compiling it tells what is too deep.
      this->flow(*node.body, &scope, node.kind == FlowNode::Kind::child, name_ + '/', depth + 1);
    }
  }

 private:
  void check_limits(const FlowLimits& limits) {
    constexpr std::string_view mend = ": use at least 1, or leave it out";
    constexpr std::string_view unbounded = ": use at least 1, or 0 for no such limit";
    check_least("max_steps", limits.max_steps, 1, mend);
    check_least("max_visits", limits.max_visits, 0, unbounded);
    check_least("max_cycles", limits.max_cycles, 1, mend);
    check_span("timeout", limits.timeout);
  }

  // Where its jobs go and how they are tried: the store takes them unseen when the run is there.
  void check_options(const FlowNode& node) {
    tell(check_name("queue", node.queue));
    if (!node.pool.empty()) tell(check_name("pool", node.pool));
    tell(check_tries(node.own.max_attempts, node.own.backoff));
    check_span("timeout", node.own.timeout);
    if (!node.params.empty() && !read_raw_object(node.params)) {
      tell("params has to be an object of names and values, not " + printable(node.params));
    }
    for (const FlowEdge& edge : node.next) check_text("action", edge.action);
    if (node.gate) {
      check_text("prompt", node.gate->prompt);
      for (const std::string& choice : node.gate->choices) check_text("choice", choice);
    }
    if (!node.map) return;
    check_need("map", node.map->policy);
    // What their own prep returns is the list of a batch.
    const bool own_list = node.concludes || node.prepares;
    if (node.map->over.empty() && !own_list) {
      tell("a map needs over: a path to a list, such as $.nodes.NAME.result");
    }
  }

  // As definitions are JSON.
  void check_text(std::string_view what, const std::string& text) {
    if (valid_utf8(text) == text) return;
    tell(std::string(what) + " \"" + printable(text) + "\" is not UTF-8");
  }

  void check_need(const std::string& what, const GroupPolicy& policy) {
    if (policy.kind != GroupPolicy::Kind::at_least) return;
    check_least(what + ": at_least", policy.need, 1, ": use at least 1, or the policy best_effort");
  }

  void check_least(const std::string& what, std::int64_t value, std::int64_t least,
                   std::string_view mend) {
    if (value < least) tell(what + " is " + std::to_string(value) + std::string(mend));
  }

  void check_span(const std::string& what, const std::optional<Duration>& value) {
    if (!value) return;
    if (*value <= Duration{0}) {
      tell(what + " has to be longer than nothing: leave it out for none");
    } else if (*value > longest_span) {
      tell(what + " is longer than 100 years: leave it out for none");
    }
  }

  void tell(std::string text) { problems_.push_back({.node = name_, .text = std::move(text)}); }
  void tell(const Result<void>& checked) {
    if (!checked) tell(checked.error().message);
  }

  void check_paths(const FlowNode& node, const Scope& scope) {
    if (!node.when.empty()) {
      if (const auto when = Expression::parse(node.when)) {
        for (const PathUse& use : when->paths()) {
          const std::string wrong = fault(use.root, scope, false);
          if (!wrong.empty()) say("when", node.when, at_column(use.at, wrong).message);
        }
      }
    }
    if (node.map && !node.map->over.empty()) {
      if (const auto over = Path::parse(node.map->over)) {
        say("map.over", node.map->over, fault(over->root(), scope, false));
      }
    }
    check_template("with", node.with, scope, node.map.has_value());
    check_template("undo.with", node.undo_with, scope, false);
  }

  void check_actions(const FlowNode& node) {
    const auto possible = actions_of(node);
    if (!possible) return;
    std::set<std::string_view> told;
    for (const FlowEdge& edge : node.next) {
      const bool known = std::ranges::find(*possible, edge.action) != possible->end();
      if (known || !told.insert(edge.action).second) continue;
      const std::vector<std::string_view> names(possible->begin(), possible->end());
      const bool waits = node.gate && edge.action == "timed_out" && !node.gate->deadline;
      const std::string who = node.map ? "a map"
                              : node.gate->ask == Gate::Ask::timer
                                  ? "a timer"
                                  : "a gate that asks for " + std::string(to_text(node.gate->ask));
      const std::string action = "next." + printable(edge.action);
      problems_.push_back({.node = name_,
                           .text = action + perhaps(edge.action, names) +
                                   " can never come: " + who + " ends with " + either(*possible) +
                                   (waits ? ", and has no deadline" : ""),
                           .part = "next." + edge.action});
    }
  }

  // The others hold for the nodes of a flow wherever it is.
  void check_part(const FlowLimits& limits) {
    const FlowLimits usual;
    if (limits.timeout == usual.timeout && limits.max_steps == usual.max_steps) return;
    problems_.push_back({.node = name_,
                         .text = "timeout and max_steps bound a whole run, and this flow is a part "
                                 "of one: give them to the flow around, or make this a run"});
  }

  void check_gate(const Gate& gate) {
    const auto wrong = [&](std::string text) {
      problems_.push_back({.node = name_, .text = std::move(text), .part = "gate"});
    };
    const bool chooses = gate.ask == Gate::Ask::selection || gate.ask == Gate::Ask::selections;
    const std::string ask(to_text(gate.ask));
    if (chooses && gate.choices.empty()) {
      wrong("a gate that asks for a " + ask + " needs choices");
    } else if (!chooses && !gate.choices.empty()) {
      wrong("choices are for ask: selection or selections, not for " + ask);
    }
    for (auto at = gate.choices.begin(); at != gate.choices.end(); ++at) {
      if (std::find(gate.choices.begin(), at, *at) == at) continue;
      wrong("choice \"" + printable(*at) + "\" is there twice");
    }
    if (gate.ask == Gate::Ask::timer && !gate.deadline) {
      wrong("a timer needs a deadline: how long it waits");
    }
    const std::string mend = gate.ask == Gate::Ask::timer ? "" : ": leave it out for none";
    if (gate.deadline && *gate.deadline <= Duration{0}) {
      wrong("its deadline has to be longer than nothing" + mend);
    } else if (gate.deadline && *gate.deadline > longest_span) {
      wrong("its deadline is longer than 100 years" + mend);
    }
  }

  void check_template(std::string_view part, const std::string& with, const Scope& scope,
                      bool has_item) {
    if (with.empty()) return;
    const auto parsed = Template::parse(with);
    if (!parsed) return;
    for (const PathUse& use : parsed->paths()) {
      const std::string wrong = fault(use.root, scope, has_item);
      if (!wrong.empty()) say(part, use.text, printable(use.text, 200) + ": " + wrong);
    }
  }

  // Nothing: what it leads to may be there.
  std::string fault(const PathRoot& root, const Scope& scope, bool has_item) {
    if (root.kind == PathRoot::Kind::item) {
      return has_item ? "" : "$.item is only there in the with of a node that has a map";
    }
    const bool of_node = root.kind == PathRoot::Kind::result || root.kind == PathRoot::Kind::error;
    if (!of_node || scope.names.contains(root.name)) return {};
    const std::string quoted = '"' + printable(root.name) + '"';
    bool same_run = true;
    for (const Scope* at = &scope; at; at = at->around) {
      if (at->names.contains(root.name)) {
        if (!same_run) {
          return quoted + " is a node of the run around this one: hand its result on in the with " +
                 "of the node that holds this flow";
        }
        if (root.kind == PathRoot::Kind::result) return {};
        return quoted + " is a node of the flow around this one: only its result can be read here";
      }
      same_run = same_run && !at->own_run;
    }
    return "there is no node " + quoted + guess(root.name, scope) + " in this flow";
  }

  std::string guess(std::string_view name, const Scope& scope) {
    // Nobody reads so many guesses, and each costs a look at every name.
    if (guesses_-- <= 0) return {};
    std::vector<std::string_view> names;
    for (const FlowNode& node : scope.flow.nodes) {
      if (names.size() < most_names) names.push_back(node.name);
    }
    return perhaps(name, names);
  }

  void say(std::string_view part, const std::string& value, const std::string& text) {
    if (text.empty()) return;
    problems_.push_back({.node = name_,
                         .text = std::string(part) + ": " + text,
                         .part = std::string(part),
                         .value = value});
  }

  std::vector<FlowProblem>& problems_;
  std::string name_ = {};  // Of the node that is looked at, with those around it.
  int guesses_ = 100;
};

}  // namespace

void check_flow(const FlowDefinition& definition, std::vector<FlowProblem>& problems) {
  FlowCheck(problems).flow(definition, nullptr, false, {}, 1);
}

}  // namespace penstock::rules
