// SPDX-License-Identifier: MIT
#pragma once

#include "tests/flows/flow_fixture.h"
#include "tests/flows/three_steps.h"

namespace penstock::testing {

/// A loop of three turns, `head` and `turn`; the result of head is the turn's number.
class ThreeTurns : public FlowTest {
 protected:
  ThreeTurns() {
    head_ >> turn_;
    turn_.on("again") >> head_;
    flow_.start(head_);
  }
  static Step turning() {
    return acting([](Shared& shared) {
      shared.add("turns", 1);
      return shared.get_or("turns", 0) < 3 ? "again" : "done";
    });
  }
  Nodes counting(const std::string& name) {
    return flow_.task(name, [name](Shared& shared) { shared.add(name, 1); });
  }

  Flow flow_{"turns"};
  Nodes head_ = flow_.task("head", [](Shared& shared) {
    shared.add("begun", 1);
    return shared.get_or("begun", 0);
  });
  Nodes turn_ = flow_.node("turn", turning());
};

}  // namespace penstock::testing
