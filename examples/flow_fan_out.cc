// SPDX-License-Identifier: MIT
//
// Fan-out over several workers: three branches that wait for each other, which none of them could
// if they did not run at the same time; the join prints who ran what.
#include "examples/flow_stage.h"

#include <latch>

int main() {
  std::latch together(3);
  const auto branch = [&together](penstock::Shared& shared) {
    together.arrive_and_wait();
    return shared.job().job().worker;
  };
  penstock::Flow flow("fan");
  auto split = flow.task("split", [] {});
  auto a = flow.task("a", branch), b = flow.task("b", branch), c = flow.task("c", branch);
  auto join = flow.task("join",
                        [](const std::string& x, const std::string& y, const std::string& z) {
                          return x != y && y != z && x != z ? "three workers at the same time"
                                                            : "not apart";
                        },
                        {"a", "b", "c"});
  split >> (a | b | c) >> join;

  example::Stage stage(flow, 3);
  std::cout << *stage.wait(stage.start()).output << '\n';
}
