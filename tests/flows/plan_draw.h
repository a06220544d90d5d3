// SPDX-License-Identifier: MIT
#pragma once

#include "tests/flows/plan.h"

namespace penstock::testing {

/// What is known for certain where a part begins.
struct PlanPlace {
  std::vector<std::string> before = {};  ///< Steps that may be read.
  std::vector<std::string> from = {};    ///< Those that lead here; read for certain.
  std::vector<std::string> params = {};
  bool local = false;   ///< The next step may be local: it follows one other.
  bool stops = true;    ///< The line may end in the middle.
  bool many = true;     ///< Several lines may come out.
  bool looped = false;  ///< In a loop.
  int depth = 0;
};

/// Draws plans; names its steps in the order in which it draws them.
class PlanDraw {
 public:
  explicit PlanDraw(PlanDice& dice) : dice_(dice) {}
  Plan whole();

 private:
  using Kind = Plan::Kind;
  using Fails = PlanStep::Fails;
  using Place = PlanPlace;

  int below(int bound) { return static_cast<int>(dice_() % static_cast<unsigned>(bound)); }
  bool chance(int percent) { return below(100) < percent; }
  PlanStep step(Place& place);
  Plan one_step(Place& place);
  static void add(std::vector<std::string>& names, const std::string& name);
  static void pass(Place& place, const std::vector<std::string>& names);
  PlanStep join(Place& place);
  Plan sequence(Place& place, int length, bool ends_in_step);
  Place deeper(const Place& place, bool many);
  Plan part(Place& place);
  Plan branches(Place& place, Kind kind);
  Plan group(Place& place);
  Plan aside(Place& place);
  void look_back(PlanStep& head, const Place& place, std::size_t known);
  Place turning(const Place& place);
  static void leave(Place& place, Place inner);
  Plan loop(Place& place);
  Plan leak(Place& place);
  Plan meeting(Place& place);
  void meet(Plan& plan, Place& place, const Place& other);
  Plan pair(Place& place);
  Plan nested(Place& place);
  Plan flow(Place& place);
  Plan sets(Place& place);
  Plan map(Place& place);
  Plan batch(Place& place);
  Plan gate(Place& place);
  Plan inside(Place& place);
  PlanStep named(const std::string& letter) { return {.name = letter + std::to_string(++made_)}; }

  PlanDice& dice_;
  int made_ = 0;
};

}  // namespace penstock::testing
