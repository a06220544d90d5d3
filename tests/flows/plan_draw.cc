// SPDX-License-Identifier: MIT
#include "tests/flows/plan.h"

#include <algorithm>

namespace penstock::testing {
namespace {

using Kind = Plan::Kind;
using Fails = PlanStep::Fails;

// What is known for certain where a part begins.
struct Place {
  std::vector<std::string> before = {};  ///< Steps that may be read.
  std::vector<std::string> from = {};    ///< Those that lead here; read for certain.
  std::vector<std::string> params = {};
  bool local = false;   ///< The next step may be local: it follows one other.
  bool stops = true;    ///< The line may end in the middle.
  bool many = true;     ///< Several lines may come out.
  bool looped = false;  ///< In a loop.
  int depth = 0;
};

class Draw {
 public:
  explicit Draw(PlanDice& dice) : dice_(dice) {}

  Plan whole() {
    Place place;
    Plan plan{.parts = {one_step(place)}};
    place.many = true;
    for (int i = 0; i < 4; ++i) plan.parts.push_back(part(place));
    plan.parts.push_back(one_step(place));
    return plan;
  }

 private:
  int below(int bound) { return static_cast<int>(dice_() % static_cast<unsigned>(bound)); }
  bool chance(int percent) { return below(100) < percent; }

  PlanStep step(Place& place) {
    PlanStep step{.name = "s" + std::to_string(++made_), .reads = place.from};
    step.params = place.params;
    for (int i = 0; i < 2 && !place.before.empty(); ++i) {
      add(step.reads, place.before[below(static_cast<int>(place.before.size()))]);
    }
    step.local = place.local && chance(15);
    step.again = chance(30);
    pass(place, {step.name});
    return step;
  }
  Plan one_step(Place& place) {
    Plan plan{.kind = Kind::step, .steps = {step(place)}};
    if (chance(15)) {
      plan.steps[0].turns = 1 + below(2);
      plan.steps[0].local = false;
    }
    return plan;
  }
  static void add(std::vector<std::string>& names, const std::string& name) {
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  }
  // These are behind the place now.
  static void pass(Place& place, const std::vector<std::string>& names) {
    for (const std::string& name : names) add(place.before, name);
    place.from = names;
    place.local = names.size() == 1;
  }
  // One that several edges lead to.
  PlanStep join(Place& place) {
    place.local = false;
    return step(place);
  }
  // A branch of `place`; a part needs a step at its end only when it is to have one.
  Plan sequence(Place& place, int length, bool ends_in_step) {
    Plan plan;
    for (int i = 0; i < length; ++i) plan.parts.push_back(part(place));
    if (ends_in_step) plan.parts.push_back(one_step(place));
    return plan;
  }
  Place deeper(const Place& place, bool many) {
    Place inner = place;
    inner.many = place.many && many;
    ++inner.depth;
    return inner;
  }

  Plan part(Place& place) {
    if (place.depth >= 3 || made_ > 24) return one_step(place);
    const int roll = below(100);
    if (roll < 10) return one_step(place);
    if (roll < 13) return batch(place);
    if (roll < 16) return gate(place);
    if (roll < 28) return branches(place, Kind::choice);
    if (roll < 40) return branches(place, Kind::fork);
    if (roll < 46) return group(place);
    if (roll < 56) return aside(place);
    if (roll < 70) return loop(place);
    if (roll < 75) return place.many ? pair(place) : loop(place);
    if (roll < 79) return place.many ? leak(place) : loop(place);
    if (roll < 84) return nested(place);
    if (roll < 88) return meeting(place);
    if (roll < 92) return flow(place);
    if (roll < 95) return sets(place);
    if (roll < 98) return map(place);
    return inside(place);
  }

  Plan branches(Place& place, Kind kind) {
    Plan plan{.kind = kind, .steps = {step(place)}};
    plan.stops = kind == Kind::choice && place.stops && chance(40);
    plan.join = kind == Kind::fork && chance(25) ? 1 : 0;
    // What a line that stops has left is behind no join.
    const bool stops = place.stops && (kind == Kind::choice || plan.join == 1 || chance(30));
    const bool shows = plan.join == 0 && (kind == Kind::choice || !stops);
    std::vector<std::string> seen, ends;
    const auto forks = place.from;
    for (int i = 2 + below(2); i > 0; --i) {
      Place branch = deeper(place, false);
      branch.stops = stops;
      if (plan.join == 1) branch.depth = 3;  // What comes late is in the next turn's way.
      const bool direct = kind == Kind::choice && chance(20);
      plan.parts.push_back(direct ? Plan{} : sequence(branch, below(3), chance(60)));
      if (!direct && plan.parts.back().parts.empty()) {
        plan.parts.back().parts.push_back(one_step(branch));
      }
      for (const auto& name : branch.before) add(seen, name);
      for (const auto& name : branch.from) add(ends, name);
    }
    if (shows) {
      place.before = seen;
      place.from = ends;
    } else {
      place.from = forks;
    }
    plan.steps.push_back(join(place));
    return plan;
  }

  Plan group(Place& place) {
    Plan plan{.kind = Kind::group, .steps = {step(place), {}}};
    std::vector<std::string> names, critical;
    const int policy = below(3);
    int need = 0;
    for (int i = 2 + below(2); i > 0; --i) {
      Place branch = place;
      PlanStep member = step(branch);
      const bool first = names.empty();
      if (!first && chance(40)) member.fails = Fails::always;
      if (policy > 0 && member.fails == Fails::never && chance(30)) member.fails = Fails::once;
      member.sure = policy == 0;
      if (member.fails != Fails::never) member.local = member.again = false;
      if (member.fails != Fails::always) ++need;
      if (member.fails != Fails::always) critical.push_back(member.name);
      names.push_back(member.name);
      plan.steps.push_back(member);
    }
    plan.policy = policy == 0   ? Policy::best_effort()
                  : policy == 1 ? Policy::at_least(need)
                                : Policy::critical(critical);
    if (policy == 0 && chance(40)) {
      plan.join = 1 + below(need);  // Members that come late are in the next turn's way.
    } else {
      pass(place, names);
    }
    plan.steps[1] = join(place);
    return plan;
  }

  Plan aside(Place& place) {
    Plan plan{.kind = Kind::aside, .steps = {step(place)}};
    if (!place.looped && chance(25)) plan.kind = Kind::asked;
    Place side = deeper(place, true);
    side.many = true;
    if (plan.kind == Kind::asked) side.depth = 3;
    plan.stops = plan.kind == Kind::asked && place.stops && chance(40);
    plan.parts.push_back(sequence(side, 1 + below(2), true));
    return plan;
  }

  // Steps that are on the main line of what a loop has: the next turn sees them.
  void look_back(PlanStep& head, const Place& place, std::size_t known) {
    const auto count = static_cast<int>(place.before.size() - known);
    for (int i = 0; i < 2 && count > 0; ++i) {
      add(head.reads, place.before[known + static_cast<std::size_t>(below(count))]);
    }
    if (chance(30)) add(head.reads, head.name);
  }
  Place turning(const Place& place) {
    Place inner = deeper(place, true);
    inner.looped = true;
    return inner;
  }
  static void leave(Place& place, Place inner) {
    place.before = std::move(inner.before);
    place.from = std::move(inner.from);
    place.local = false;
  }

  Plan loop(Place& place) {
    Plan plan{.kind = Kind::loop, .steps = {join(place)}};
    plan.both = place.many && chance(60);
    plan.stops = place.stops && chance(30);
    const std::size_t known = place.before.size();
    Place inner = turning(place);
    plan.parts.push_back(sequence(inner, below(3), false));
    plan.steps.push_back(step(inner));
    add(plan.steps[0].reads, plan.steps[1].name);
    look_back(plan.steps[0], inner, known);
    leave(place, inner);
    if (!plan.both) return plan;
    Place end = place;
    plan.steps.push_back(step(place));
    plan.steps.push_back(step(end));
    meet(plan, place, end);
    return plan;
  }

  // Each turn leads out at its head, too, and in the last one at its tail.
  Plan leak(Place& place) {
    Plan plan{.kind = Kind::leak, .steps = {join(place)}};
    plan.stops = place.stops && chance(30);
    Place beside = place;
    const std::size_t known = place.before.size();
    Place inner = turning(place);
    inner.many = inner.local = false;
    plan.parts.push_back(sequence(inner, below(3), false));
    plan.steps.push_back(step(inner));
    add(plan.steps[0].reads, plan.steps[1].name);
    look_back(plan.steps[0], inner, known);
    leave(place, inner);
    plan.steps.push_back(step(beside));
    plan.steps.push_back(step(place));
    const std::string ends = place.from.front();
    // What left at the head knows nothing of loops in the body.
    place.before.erase(place.before.begin() + static_cast<std::ptrdiff_t>(known),
                       place.before.end());
    add(place.before, plan.steps[1].name);
    pass(place, {plan.steps[2].name, ends});
    plan.steps.push_back(join(place));
    return plan;
  }

  // A join waits for a branch beside a loop, and for what leaves that at last or in each turn.
  Plan meeting(Place& place) {
    Plan plan{.kind = Kind::meeting, .steps = {step(place)}};
    plan.meets = chance(30);
    plan.both = chance(60);  // And leaves it at last for sure.
    plan.stops = !plan.both && place.stops && chance(50);
    Place beside = deeper(place, false);
    beside.stops = beside.local = false;
    plan.parts.push_back(sequence(beside, below(2), false));
    Place turn = place;
    plan.steps.push_back(join(turn));
    const std::size_t known = turn.before.size();
    Place inner = turning(turn), way = turn;
    inner.many = inner.local = false;
    inner.stops &= !plan.both;
    plan.parts.push_back(sequence(inner, below(3), false));
    plan.steps.push_back(step(inner));
    look_back(plan.steps[1], inner, known);
    plan.steps.push_back(step(way));
    plan.steps.push_back(join(inner));
    const std::string tail = plan.steps[2].name, leaves = plan.steps[4].name;
    add(plan.steps[1].reads, tail);
    add(turn.before, tail);
    pass(turn, {plan.steps[3].name, leaves});
    plan.steps.push_back(join(turn));
    place.from = beside.from;
    for (const auto& name : beside.before) add(place.before, name);
    for (const auto& name : inner.before) {
      if (name == leaves ? !plan.meets : plan.both) add(place.before, name);
    }
    if (plan.both) add(place.from, plan.meets ? tail : leaves);
    plan.steps.push_back(join(place));
    return plan;
  }

  // The ways out lead to a join, which sees what left in its turn.
  void meet(Plan& plan, Place& place, const Place& other) {
    plan.meets = chance(50);
    if (!plan.meets) return;
    const auto from = place.from;
    for (const auto& name : other.before) add(place.before, name);
    pass(place, {from.front(), other.from.front()});
    plan.steps.push_back(join(place));
  }

  // Both tails may go on: each begins a turn of its own, which only what came before tells.
  Plan pair(Place& place) {
    Plan plan{.kind = Kind::pair, .steps = {join(place)}};
    add(plan.steps[0].reads, plan.steps[0].name);
    Place beside = place;
    plan.steps.push_back(step(beside));
    plan.steps.push_back(step(place));
    plan.steps.push_back(step(beside));
    plan.steps.push_back(step(place));
    meet(plan, place, beside);
    return plan;
  }

  Plan nested(Place& place) {
    Plan plan{.kind = Kind::nested, .steps = {join(place)}};
    const std::size_t known = place.before.size();
    Place inner = turning(place);
    inner.many = false;
    const bool filled = chance(50);
    plan.both = place.many && chance(50);
    plan.restarts = chance(50);
    auto between = [&] { plan.parts.push_back(sequence(inner, filled ? below(2) : 0, false)); };
    between();
    plan.steps.push_back(join(inner));
    const std::size_t inner_known = inner.before.size();
    between();
    plan.steps.push_back(step(inner));
    const std::string inner_tail = plan.steps[2].name;
    add(plan.steps[1].reads, inner_tail);
    look_back(plan.steps[1], inner, inner_known);
    between();
    plan.steps.push_back(step(inner));
    add(plan.steps[0].reads, plan.steps[3].name);
    add(plan.steps[0].reads, inner_tail);
    look_back(plan.steps[0], inner, known);
    leave(place, inner);
    Place broken = place;
    broken.from = {inner_tail};
    PlanStep breaks = step(broken);
    add(place.before, breaks.name);
    add(place.from, breaks.name);
    plan.steps.push_back(join(place));
    plan.steps.push_back(breaks);
    return plan;
  }

  Plan flow(Place& place) {
    Plan plan{.kind = Kind::flow, .steps = {named("f")}};
    Place inner = deeper(place, true);
    inner.stops = inner.local = place.local = false;
    inner.many = true;
    Plan within{.parts = {one_step(inner)}};
    for (int i = below(3); i > 0; --i) within.parts.push_back(part(inner));
    within.parts.push_back(one_step(inner));
    plan.parts.push_back(within);
    return plan;
  }
  Plan sets(Place& place) {
    PlanStep step = named("b");
    step.reads = place.from;
    place.params.push_back(step.name);
    Plan plan = flow(place);
    place.params.pop_back();
    plan.kind = Kind::sets;
    plan.steps[0] = step;
    return plan;
  }
  Plan map(Place& place) {
    Plan plan{.kind = Kind::map, .steps = {step(place)}};
    plan.steps[0].lists = true;
    PlanStep each = step(place);
    each.local = each.again = place.local = false;
    if (chance(40)) {
      plan.policy = Policy::best_effort();
      each.sure = true;
    }
    plan.steps.push_back(each);
    return plan;
  }
  Plan batch(Place& place) {
    Plan plan{.kind = Kind::batch, .steps = {step(place)}};
    plan.steps[0].lists = plan.steps[0].batch = true;
    plan.steps[0].local = place.local = false;
    return plan;
  }
  Plan gate(Place& place) {
    Plan plan{.kind = Kind::gate, .steps = {named("g")}};
    add(place.before, plan.steps[0].name);
    add(place.from, plan.steps[0].name);
    place.local = false;
    return plan;
  }
  Plan inside(Place& place) {
    PlanStep run = named("r");
    run.reads = {place.from.front()};
    Plan plan{.kind = Kind::inside, .steps = {run, named("x"), named("y")}};
    plan.steps[2].reads = {plan.steps[1].name};
    pass(place, {run.name});
    place.local = false;
    return plan;
  }
  PlanStep named(const std::string& letter) { return {.name = letter + std::to_string(++made_)}; }

  PlanDice& dice_;
  int made_ = 0;
};

}  // namespace

Plan draw_plan(PlanDice& dice) { return Draw(dice).whole(); }

}  // namespace penstock::testing
