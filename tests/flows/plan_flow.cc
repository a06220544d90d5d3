// SPDX-License-Identifier: MIT
#include "tests/flows/plan.h"
#include "tests/flows/three_steps.h"

#include <algorithm>

namespace penstock::testing {
namespace {

using Kind = Plan::Kind;
using Fails = PlanStep::Fails;
using Trouble = std::shared_ptr<PlanTrouble>;

const Backoff no_wait{.kind = Backoff::Kind::none};

PlanReads reads(Shared& shared) {
  return [&shared](const std::string& name) { return shared.result(name); };
}
json seen_params(Shared& shared, const PlanStep& step) {
  json params = json::object();
  const json all = shared.params();
  for (const std::string& name : step.params) params[name] = all.value(name, json());
  return params;
}

// What any step goes through before it ends.
void meet(PlanTrouble& trouble, const PlanStep& step, const std::string& line) {
  trouble.give_way();
  if (trouble.chance(trouble.snoozes)) throw Snooze(Duration{1});
  const bool fails = line == trouble.fails_for_good || step.fails == Fails::always ||
                     (step.fails == Fails::once && trouble.first_time(line)) ||
                     (!step.sure && trouble.chance(trouble.fails) && trouble.first_time(line));
  if (fails) throw NoRetry("planned: " + line);
  trouble.has_ended();
}

using Action = std::function<std::string(Shared&, const json& result)>;

Step stepping(const PlanStep& step, const Trouble& trouble, Action action) {
  Step code;
  code.prepares = [step](Shared& shared) {
    const PlanSight sight =
        look(step, reads(shared), seen_params(shared, step), shared.iteration());
    return json{{"result", sight.result}, {"line", sight.line}};
  };
  code.executes = [step, trouble](const json& prepared) {
    if (step.again && trouble->chance(trouble->exec_fails)) throw std::runtime_error("again");
    meet(*trouble, step, prepared["line"].get<std::string>());
    return prepared["result"];
  };
  code.posts = [step, action](Shared& shared, const json& prepared, const json& result) {
    shared.append("lines", prepared["line"]);
    const int turn = shared.iteration().is_null() ? 0 : shared.iteration().get<int>();
    if (turn < step.turns) shared.next_iteration(turn + 1);
    return turn < step.turns ? "default" : action(shared, result);
  };
  return code;
}

struct Batch : BatchNode {
  PlanStep step;
  Trouble trouble;

  json prep(Shared& shared) override {
    json items = seen(shared).result;
    for (json& item : items) item.get_ref<std::string&>().pop_back();
    return items;
  }
  json exec(const json& item) override {
    if (trouble->chance(trouble->exec_fails)) throw std::runtime_error("again");
    meet(*trouble, step, step.name + item.get<std::string>());
    return item.get<std::string>() + '!';
  }
  std::string post(Shared& shared, const json&, const json&) override {
    shared.append("lines", seen(shared).line);
    return "default";
  }

 private:
  PlanSight seen(Shared& shared) { return look(step, reads(shared), seen_params(shared, step)); }
};

// A part of a flow: where it begins, and what leads on from it.
struct Built {
  Nodes first = {};
  std::vector<Nodes> ends = {};
};

class Building {
 public:
  Building(Flow& flow, const Trouble& trouble) : flow_(flow), trouble_(trouble) {}

  Built build(const Plan& plan) {
    switch (plan.kind) {
      case Kind::step:
        return alone(node(plan.steps[0]));
      case Kind::sequence:
        return sequence(plan);
      case Kind::choice:
        return choice(plan);
      case Kind::fork:
        return fork(plan);
      case Kind::group:
        return group(plan);
      case Kind::aside:
        return aside(plan);
      case Kind::asked:
        return asked(plan);
      case Kind::loop:
        return loop(plan);
      case Kind::leak:
        return leak(plan);
      case Kind::pair:
        return pair(plan);
      case Kind::nested:
        return nested(plan);
      case Kind::meeting:
        return meeting(plan);
      case Kind::flow:
        return alone(flow_.flow(plan.steps[0].name, inner(plan)));
      case Kind::sets:
        return sets(plan);
      case Kind::map:
        return map(plan);
      case Kind::batch:
        return batch(plan);
      case Kind::gate:
        return alone(flow_.gate(plan.steps[0].name, {.ask = GateOptions::Ask::text}));
      case Kind::inside:
        return inside(plan);
    }
    return {};
  }

 private:
  static Built alone(const Nodes& node) { return {node, {node}}; }
  static void lead(const std::vector<Nodes>& ends, const Nodes& to) {
    for (const Nodes& end : ends) end >> to;
  }

  Nodes node(const PlanStep& step, Action action = {}, int join = 0) {
    if (!action) action = [](Shared&, const json&) { return "default"; };
    NodeOptions options{.backoff = no_wait, .local = step.local, .join = join};
    options.max_attempts = 30;
    auto made = flow_.node(step.name, stepping(step, trouble_, std::move(action)), options);
    return undone(step, made);
  }
  Nodes undone(const PlanStep& step, const Nodes& made) {
    if (!trouble_->undoes) return made;
    return made.undo([name = step.name, trouble = trouble_](Shared& shared) {
      const std::string place = "undo " + shared.job().job().node;
      const bool fails = trouble->chance(trouble->undo_fails) && trouble->first_time(place);
      if (fails) throw NoRetry("planned");
      shared.append("undone", name + '=' + shared.result(name).value_or(json()).dump());
    });
  }
  Nodes tail(const Plan& plan, const PlanStep& step) {
    return node(step, [plan](Shared&, const json& made) { return turn_action(plan, made); });
  }
  // Behind `from`, on its action; nothing to build leads straight on.
  Built behind(const std::vector<Nodes>& from, const Plan& part) {
    if (part.parts.empty() && part.kind == Kind::sequence) return {{}, from};
    Built built = build(part);
    lead(from, built.first);
    return built;
  }

  Built sequence(const Plan& plan) {
    Built all = build(plan.parts.at(0));
    for (std::size_t i = 1; i < plan.parts.size(); ++i) {
      all.ends = behind(all.ends, plan.parts[i]).ends;
    }
    return all;
  }
  Built choice(const Plan& plan) {
    const auto count = static_cast<int>(plan.parts.size());
    const int ways = count + (plan.stops ? 1 : 0);
    auto picks = node(plan.steps[0], [ways](Shared&, const json& made) {
      return "to" + std::to_string(pick(made, "branch", ways));
    });
    auto merges = node(plan.steps[1]);
    for (int i = 0; i < count; ++i) {
      lead(behind({picks.on("to" + std::to_string(i))}, plan.parts[i]).ends, merges);
    }
    return {picks, {merges}};
  }
  Built fork(const Plan& plan) {
    auto forks = node(plan.steps[0]), joins = node(plan.steps[1], {}, plan.join);
    for (const Plan& part : plan.parts) lead(behind({forks}, part).ends, joins);
    return {forks, {joins}};
  }
  Built group(const Plan& plan) {
    auto forks = node(plan.steps[0]);
    Nodes members = node(plan.steps[2]);
    for (std::size_t i = 3; i < plan.steps.size(); ++i) members = members | node(plan.steps[i]);
    auto joins = node(plan.steps[1], {}, plan.join);
    forks >> members.with(plan.policy) >> joins;
    return {forks, {joins}};
  }
  Built aside(const Plan& plan) {
    auto from = node(plan.steps[0]);
    behind({from}, plan.parts[0]);
    return alone(from);
  }
  Built asked(const Plan& plan) {
    const std::string name = plan.parts[0].parts[0].steps[0].name;
    auto from = node(plan.steps[0], [name, stops = plan.stops](Shared& shared, const json& made) {
      shared.next_task(name, stops && pick(made, "instead", 2) == 1);
      return "default";
    });
    behind({from.on("never")}, plan.parts[0]);
    return alone(from);
  }

  Built loop(const Plan& plan) {
    auto head = node(plan.steps[0]), last = tail(plan, plan.steps[1]);
    lead(behind({head}, plan.parts[0]).ends, last);
    last.on("again") >> head;
    if (!plan.both) return {head, {last.on("out")}};
    auto goes_on = node(plan.steps[2]);
    last.on("both") >> (head | goes_on);
    auto leaves = node(plan.steps[3]);
    last.on("out") >> leaves;
    return {head, {plan.meets ? (goes_on | leaves) >> node(plan.steps[4]) : goes_on}};
  }
  Built leak(const Plan& plan) {
    auto head = node(plan.steps[0]), last = tail(plan, plan.steps[1]);
    lead(behind({head}, plan.parts[0]).ends, last);
    last.on("again") >> head;
    auto beside = node(plan.steps[2]), leaves = node(plan.steps[3]);
    head >> beside;
    last.on("out") >> leaves;
    return {head, {(beside | leaves) >> node(plan.steps[4])}};
  }
  Built pair(const Plan& plan) {
    auto head = node(plan.steps[0]);
    std::vector<Nodes> behind;
    for (std::size_t i = 1; i <= 2; ++i) {
      auto last = tail(plan, plan.steps[i]);
      behind.push_back(node(plan.steps[i + 2]));
      head >> last;
      last.on("again") >> head;
      last.on("out") >> behind.back();
    }
    if (!plan.meets) return {head, {behind[1]}};
    auto joins = node(plan.steps[5]);
    lead(behind, joins);
    return {head, {joins}};
  }
  Built nested(const Plan& plan) {
    auto head = node(plan.steps[0]), inner_head = node(plan.steps[1]);
    auto inner_tail =
        node(plan.steps[2], [plan](Shared&, const json& made) { return inner_action(plan, made); });
    auto last = tail(plan, plan.steps[3]), leaves = node(plan.steps[4]);
    lead(behind({head}, plan.parts[0]).ends, inner_head);
    lead(behind({inner_head}, plan.parts[1]).ends, inner_tail);
    inner_tail.on("again") >> inner_head;
    lead(behind({inner_tail.on("next")}, plan.parts[2]).ends, last);
    inner_tail.on("break") >> node(plan.steps[5]) >> leaves;
    if (plan.both) inner_tail.on("break") >> inner_head;
    if (plan.restarts) inner_tail.on("restart") >> head;
    last.on("again") >> head;
    last.on("out") >> leaves;
    return {head, {leaves}};
  }

  Built meeting(const Plan& plan) {
    auto forks = node(plan.steps[0]), head = node(plan.steps[1]);
    auto last = tail(plan, plan.steps[2]);
    auto way =
        node(plan.steps[3], [plan](Shared&, const json& made) { return way_action(plan, made); });
    auto leaves = node(plan.steps[4]), both = node(plan.steps[5]), meets = node(plan.steps[6]);
    forks >> head;
    lead(behind({forks}, plan.parts[0]).ends, meets);
    lead(behind({head}, plan.parts[1]).ends, last);
    last.on("again") >> head;
    last.on("out") >> leaves;
    if (plan.meets) last.on("out") >> meets;
    head >> way >> both;
    way.on("tells") >> (both | meets);
    leaves >> both;
    if (!plan.meets) lead(behind({leaves}, plan.parts[2]).ends, meets);
    return {forks, {meets}};
  }

  Flow inner(const Plan& plan) {
    return build_flow("of_" + plan.steps[0].name, plan.parts[0], trouble_);
  }
  Built sets(const Plan& plan) {
    const PlanStep& step = plan.steps[0];
    auto passes = [step](Shared& shared) {
      return sets_of(step, look(step, reads(shared), seen_params(shared, step)).result);
    };
    const MapOptions at_once{.parallel = 1 + static_cast<int>(pick(step.name, "parallel", 3))};
    return alone(flow_.batch_flow(step.name, inner(plan), passes, at_once));
  }
  Built map(const Plan& plan) {
    const PlanStep& each = plan.steps[1];
    auto list = node(plan.steps[0]);
    const bool may_fail = plan.policy.kind != Policy::Kind::strict;
    auto item = [each, may_fail, trouble = trouble_](const json& value, Shared& shared) {
      const PlanSight sight = look(each, reads(shared), seen_params(shared, each), value);
      meet(*trouble, each, sight.line);
      if (may_fail && is_bad(sight.result)) throw NoRetry("planned");
      shared.append("items", sight.line);
      return sight.result;
    };
    auto over = "$.nodes." + plan.steps[0].name + ".result";
    auto maps = flow_.map(each.name, over, item, {.parallel = 2, .policy = plan.policy});
    list >> maps;
    return {list, {maps}};
  }
  Built batch(const Plan& plan) {
    const PlanStep& step = plan.steps[0];
    Batch code;
    code.step = step;
    code.trouble = trouble_;
    NodeOptions options{.max_attempts = 30, .backoff = no_wait};
    return alone(undone(step, flow_.parallel_batch(step.name, code, {.parallel = 2}, options)));
  }
  Built inside(const Plan& plan) {
    Flow within("of_" + plan.steps[0].name);
    Nodes last;
    for (std::size_t i = 1; i < plan.steps.size(); ++i) {
      const PlanStep& step = plan.steps[i];
      auto code = [step, trouble = trouble_](Shared& shared) {
        const PlanSight sight = look(step, reads(shared), {}, shared.at("x"));
        meet(*trouble, step, sight.line);
        return sight.result;
      };
      auto next = within.task(step.name, code);
      if (i > 1) last >> next;
      last = next;
    }
    const PlanStep& run = plan.steps[0];
    return alone(flow_.run(run.name, within, {{"x", "$.nodes." + run.reads[0] + ".result"}}));
  }

  Flow& flow_;
  const Trouble& trouble_;
};

}  // namespace

Flow build_flow(const std::string& name, const Plan& plan,
                const std::shared_ptr<PlanTrouble>& trouble) {
  Flow flow(name);
  (void)Building(flow, trouble).build(plan);
  return flow;
}

}  // namespace penstock::testing
