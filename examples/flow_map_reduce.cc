// SPDX-License-Identifier: MIT
//
// Map and reduce: a list that is known only when the run is under way, a function of each item, and
// one that gets all results in the list's order.
#include "examples/flow_stage.h"

using penstock::json;

int main() {
  penstock::Flow flow("words");
  auto split = flow.task("split",
                         [](const std::string& text) {
                           json lines = json::array();
                           for (std::size_t at = 0; at < text.size();) {
                             const std::size_t end = std::min(text.find('\n', at), text.size());
                             lines.push_back(text.substr(at, end - at));
                             at = end + 1;
                           }
                           return lines;
                         },
                         {"text"});
  auto count = flow.map("count", "$.nodes.split.result",
                        [](const std::string& line) {
                          int words = line.empty() ? 0 : 1;
                          for (const char c : line) words += c == ' ' ? 1 : 0;
                          return words;
                        },
                        {.parallel = 8});
  auto sum = flow.task("sum",
                       [](const std::vector<int>& counts) {
                         int all = 0;
                         for (const int words : counts) all += words;
                         return all;
                       },
                       {"count"});
  split >> count >> sum;

  example::Stage stage(flow, 3);
  const auto run = stage.start({{"text", "one two three\nfour five\nsix"}});
  std::cout << *stage.wait(run).output << " words\n";
}
