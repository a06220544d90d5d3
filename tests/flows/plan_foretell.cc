// SPDX-License-Identifier: MIT
//
// What a plan's steps must see: a line of the run has what was made on it. No tags, joins or
// tickets: each part of a plan says by its shape which lines come out of it.
#include "tests/flows/plan.h"

#include <algorithm>
#include <stdexcept>

namespace penstock::testing {
namespace {

using Kind = Plan::Kind;
using Fails = PlanStep::Fails;

struct Line {
  std::map<std::string, json> made = {};
  json params = json::object();
  bool stopped = false;
};
using Lines = std::vector<Line>;

struct TooLong : std::exception {};

class Foretelling {
 public:
  std::vector<std::string> lines;

  Lines follow(const Plan& plan, Line line) {
    if (line.stopped) return {line};
    switch (plan.kind) {
      case Kind::step:
      case Kind::batch:
        return {run(plan.steps[0], line)};
      case Kind::sequence:
        return sequence(plan, std::move(line));
      case Kind::choice:
        return {choice(plan, std::move(line))};
      case Kind::fork:
        return {fork(plan, std::move(line))};
      case Kind::group:
        return {group(plan, std::move(line))};
      case Kind::aside:
      case Kind::asked:
        line = run(plan.steps[0], line);
        follow(plan.parts[0], line);
        line.stopped = plan.stops && pick(line.made[plan.steps[0].name], "instead", 2) == 1;
        return {line};
      case Kind::loop:
        return loop(plan, std::move(line));
      case Kind::leak:
        return leak(plan, std::move(line));
      case Kind::pair:
        return pair(plan, std::move(line));
      case Kind::nested:
        return nested_or_stopped(plan, line);
      case Kind::meeting:
        return {meeting(plan, std::move(line))};
      case Kind::flow:
        follow(plan.parts[0], line);
        return {line};
      case Kind::sets:
        return {sets(plan, std::move(line))};
      case Kind::map:
        return {map(plan, std::move(line))};
      case Kind::gate:
        line.made[plan.steps[0].name] = answer_of(plan.steps[0].name);
        return {line};
      case Kind::inside:
        return {inside(plan, std::move(line))};
    }
    return {};
  }

 private:
  static PlanReads reads(const Line& line) {
    return [&line](const std::string& name) -> std::optional<json> {
      const auto at = line.made.find(name);
      return at == line.made.end() ? std::nullopt : std::optional(at->second);
    };
  }
  void say(const std::string& line) {
    lines.push_back(line);
    if (lines.size() > 200) throw TooLong();
  }
  Line run(const PlanStep& step, Line line) {
    PlanSight sight;
    for (int turn = 0; turn <= step.turns; ++turn) {
      sight = look(step, reads(line), line.params, turn == 0 ? json() : json(turn));
      say(sight.line);
    }
    line.made[step.name] = sight.result;
    return line;
  }
  Lines sequence(const Plan& plan, Line first) {
    Lines all{std::move(first)};
    for (const Plan& part : plan.parts) {
      Lines next;
      for (Line& line : all) std::ranges::move(follow(part, line), std::back_inserter(next));
      all = std::move(next);
    }
    return all;
  }
  Line choice(const Plan& plan, Line line) {
    line = run(plan.steps[0], line);
    const auto count = static_cast<int>(plan.parts.size());
    const int picked = pick(line.made[plan.steps[0].name], "branch", count + (plan.stops ? 1 : 0));
    line.stopped = picked == count;
    if (!line.stopped) line = follow(plan.parts[picked], line).at(0);
    return line.stopped ? line : run(plan.steps[1], line);
  }
  // What was made since `base`, on a line beside.
  static void take(Line& into, const Line& base, const Line& from) {
    for (const auto& [name, result] : from.made) {
      const auto before = base.made.find(name);
      if (before == base.made.end() || before->second != result) into.made[name] = result;
    }
  }
  Line fork(const Plan& plan, Line line) {
    const Line base = run(plan.steps[0], line);
    line = base;
    line.stopped = true;
    for (const Plan& part : plan.parts) {
      const Line branch = follow(part, base).at(0);
      take(line, base, branch);
      line.stopped = line.stopped && branch.stopped;
    }
    return line.stopped ? line : run(plan.steps[1], line);
  }
  Line group(const Plan& plan, Line line) {
    line = run(plan.steps[0], line);
    const Line base = line;
    for (std::size_t i = 2; i < plan.steps.size(); ++i) {
      if (plan.steps[i].fails != Fails::always) take(line, base, run(plan.steps[i], base));
    }
    return run(plan.steps[1], line);
  }

  Lines loop(const Plan& plan, Line line) {
    Lines out;
    for (Line& turn : follow(plan.parts[0], run(plan.steps[0], std::move(line)))) {
      if (!turn.stopped) turn = run(plan.steps[1], turn);
      const std::string action =
          turn.stopped ? "stop" : turn_action(plan, turn.made[plan.steps[1].name]);
      if (action == "again" || action == "both") {
        std::ranges::move(loop(plan, turn), std::back_inserter(out));
      }
      turn.stopped = action == "stop";
      if (action == "again") continue;
      if (plan.both && !turn.stopped) turn = run(plan.steps[action == "both" ? 2 : 3], turn);
      if (plan.meets && !turn.stopped) turn = run(plan.steps[4], turn);
      turn.stopped = turn.stopped || (plan.both && !plan.meets && action == "out");
      out.push_back(turn);
    }
    return out;
  }
  Lines leak(const Plan& plan, Line line) {
    const Line base = run(plan.steps[0], std::move(line));
    Line turn = follow(plan.parts[0], base).at(0);
    Lines out;
    if (!turn.stopped) {
      turn = run(plan.steps[1], turn);
      const std::string action = turn_action(plan, turn.made[plan.steps[1].name]);
      if (action == "again") out = leak(plan, turn);
      if (action == "out") turn = run(plan.steps[3], turn);
    }
    turn.stopped = false;
    turn.made[plan.steps[2].name] = run(plan.steps[2], base).made[plan.steps[2].name];
    out.push_back(run(plan.steps[4], turn));
    return out;
  }
  Lines pair(const Plan& plan, Line line) {
    const Line base = run(plan.steps[0], std::move(line));
    Lines out;
    Line both = base;
    both.stopped = true;
    for (std::size_t tail = 1; tail <= 2; ++tail) {
      Line turn = run(plan.steps[tail], base);
      take(both, base, turn);
      if (turn_action(plan, turn.made[plan.steps[tail].name]) == "again") {
        std::ranges::move(pair(plan, turn), std::back_inserter(out));
      } else {
        turn = run(plan.steps[tail + 2], turn);
        take(both, base, turn);
        both.stopped = false;
        if (tail == 2 && !plan.meets) out.push_back(turn);
      }
    }
    if (plan.meets && !both.stopped) out.push_back(run(plan.steps[5], both));
    return out;
  }
  // One that stops is a line as well, where only one is asked for.
  Lines nested_or_stopped(const Plan& plan, Line line) {
    Lines out = nested(plan, line);
    line.stopped = true;
    if (out.empty()) out.push_back(line);
    return out;
  }
  // What breaks out has its own turn of the inner loop, and the outer tail the last.
  Lines nested(const Plan& plan, Line line) {
    Lines out, broken;
    line = follow(plan.parts[0], run(plan.steps[0], line)).at(0);
    std::string action = "again";
    while (action == "again") {
      if (!line.stopped) line = follow(plan.parts[1], run(plan.steps[1], line)).at(0);
      if (line.stopped) break;
      line = run(plan.steps[2], line);
      action = inner_action(plan, line.made[plan.steps[2].name]);
      if (action == "restart") out = nested(plan, line);
      if (action != "break") continue;
      broken.push_back(run(plan.steps[5], line));
      if (plan.both) action = "again";
    }
    if (action == "next" && !line.stopped) line = follow(plan.parts[2], line).at(0);
    if (action == "next" && !line.stopped) {
      line = run(plan.steps[3], line);
      if (turn_action(plan, line.made[plan.steps[3].name]) == "again") {
        std::ranges::move(nested(plan, line), std::back_inserter(out));
      } else {
        broken.push_back(line);
      }
    }
    for (const Line& one : broken) out.push_back(run(plan.steps[4], one));
    return out;
  }

  Line meeting(const Plan& plan, Line line) {
    const Line base = run(plan.steps[0], std::move(line));
    Line met = follow(plan.parts[0], base).at(0), turn = base;
    for (std::string action = "again"; action == "again";) {
      turn = run(plan.steps[1], turn);
      const json way = run(plan.steps[3], turn).made[plan.steps[3].name];
      turn = follow(plan.parts[1], turn).at(0);
      action = "stop";
      if (!turn.stopped) {
        turn = run(plan.steps[2], turn);
        action = turn_action(plan, turn.made[plan.steps[2].name]);
      }
      Line left = turn;
      if (action == "out") {
        turn = run(plan.steps[4], turn);
        if (!plan.meets) left = follow(plan.parts[2], turn).at(0);
      }
      if (action != "again") take(met, base, left);
      Line both = turn;
      both.stopped = false;
      both.made[plan.steps[3].name] = way;
      run(plan.steps[5], both);
    }
    return run(plan.steps[6], met);
  }

  Line sets(const Plan& plan, Line line) {
    const PlanSight sight = look(plan.steps[0], reads(line), line.params);
    for (const json& set : sets_of(plan.steps[0], sight.result)) {
      Line pass = line;
      pass.params.update(set);
      follow(plan.parts[0], pass);
    }
    return line;
  }
  Line map(const Plan& plan, Line line) {
    line = run(plan.steps[0], line);
    json results = json::array();
    for (const json& item : line.made[plan.steps[0].name]) {
      const PlanSight sight = look(plan.steps[1], reads(line), line.params, item);
      const bool fails = plan.policy.kind != Policy::Kind::strict && is_bad(sight.result);
      if (!fails) say(sight.line);
      results.push_back(fails ? json() : sight.result);
    }
    line.made[plan.steps[1].name] = results;
    return line;
  }
  Line inside(const Plan& plan, Line line) {
    Line within;
    const auto& names = plan.steps;
    const auto input = reads(line)(names[0].reads[0]);
    for (std::size_t i = 1; i < names.size(); ++i) {
      const PlanSight sight = look(names[i], reads(within), {}, input.value_or(json()));
      within.made[names[i].name] = line.made[names[0].name] = sight.result;
    }
    return line;
  }
};

}  // namespace

std::optional<std::vector<std::string>> foretell(const Plan& plan) {
  Foretelling foretelling;
  try {
    foretelling.follow(plan, {});
  } catch (const TooLong&) {
    return std::nullopt;
  }
  std::ranges::sort(foretelling.lines);
  return foretelling.lines;
}

}  // namespace penstock::testing
