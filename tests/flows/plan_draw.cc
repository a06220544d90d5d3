// SPDX-License-Identifier: MIT
#include "tests/flows/plan_draw.h"

#include <algorithm>

namespace penstock::testing {

Plan PlanDraw::whole() {
  Place place;
  Plan plan{.parts = {one_step(place)}};
  place.many = true;
  for (int i = 0; i < 4; ++i) plan.parts.push_back(part(place));
  plan.parts.push_back(one_step(place));
  return plan;
}

PlanStep PlanDraw::step(Place& place) {
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

Plan PlanDraw::one_step(Place& place) {
  Plan plan{.kind = Kind::step, .steps = {step(place)}};
  if (chance(15)) {
    plan.steps[0].turns = 1 + below(2);
    plan.steps[0].local = false;
  }
  return plan;
}

void PlanDraw::add(std::vector<std::string>& names, const std::string& name) {
  if (std::ranges::find(names, name) == names.end()) names.push_back(name);
}

// These are behind the place now.
void PlanDraw::pass(Place& place, const std::vector<std::string>& names) {
  for (const std::string& name : names) add(place.before, name);
  place.from = names;
  place.local = names.size() == 1;
}

// One that several edges lead to.
PlanStep PlanDraw::join(Place& place) {
  place.local = false;
  return step(place);
}

// A branch of `place`; a part needs a step at its end only when it is to have one.
Plan PlanDraw::sequence(Place& place, int length, bool ends_in_step) {
  Plan plan;
  for (int i = 0; i < length; ++i) plan.parts.push_back(part(place));
  if (ends_in_step) plan.parts.push_back(one_step(place));
  return plan;
}

PlanPlace PlanDraw::deeper(const Place& place, bool many) {
  Place inner = place;
  inner.many = place.many && many;
  ++inner.depth;
  return inner;
}

Plan PlanDraw::part(Place& place) {
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

Plan PlanDraw::branches(Place& place, Kind kind) {
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

Plan PlanDraw::group(Place& place) {
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

Plan PlanDraw::aside(Place& place) {
  Plan plan{.kind = Kind::aside, .steps = {step(place)}};
  if (!place.looped && chance(25)) plan.kind = Kind::asked;
  Place side = deeper(place, true);
  side.many = true;
  if (plan.kind == Kind::asked) side.depth = 3;
  plan.stops = plan.kind == Kind::asked && place.stops && chance(40);
  plan.parts.push_back(sequence(side, 1 + below(2), true));
  return plan;
}

Plan PlanDraw::flow(Place& place) {
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

Plan PlanDraw::sets(Place& place) {
  PlanStep step = named("b");
  step.reads = place.from;
  place.params.push_back(step.name);
  Plan plan = flow(place);
  place.params.pop_back();
  plan.kind = Kind::sets;
  plan.steps[0] = step;
  return plan;
}

Plan PlanDraw::map(Place& place) {
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

Plan PlanDraw::batch(Place& place) {
  Plan plan{.kind = Kind::batch, .steps = {step(place)}};
  plan.steps[0].lists = plan.steps[0].batch = true;
  plan.steps[0].local = place.local = false;
  return plan;
}

Plan PlanDraw::gate(Place& place) {
  Plan plan{.kind = Kind::gate, .steps = {named("g")}};
  add(place.before, plan.steps[0].name);
  add(place.from, plan.steps[0].name);
  place.local = false;
  return plan;
}

Plan PlanDraw::inside(Place& place) {
  PlanStep run = named("r");
  run.reads = {place.from.front()};
  Plan plan{.kind = Kind::inside, .steps = {run, named("x"), named("y")}};
  plan.steps[2].reads = {plan.steps[1].name};
  pass(place, {run.name});
  place.local = false;
  return plan;
}

Plan draw_plan(PlanDice& dice) { return PlanDraw(dice).whole(); }

}  // namespace penstock::testing
