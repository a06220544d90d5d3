// SPDX-License-Identifier: MIT
#include "apps/roster/solve_command.h"

#include <fstream>
#include <iostream>
#include <iterator>

#include <unistd.h>

#include "apps/roster/solve_text.h"
#include "apps/roster/table.h"
#include "apps/roster/verify.h"

namespace penstock::roster {
namespace {

Result<std::string> read_file(const std::string& path) {
  if (path == "-") {
    return std::string(std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>());
  }
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  if (!file) {
    return Error{Errc::not_found, "instance file " + path + " cannot be read: check its name"};
  }
  return text;
}

// Rules broken and a cost that is not the solver's both mean that the answer is wrong.
bool holds(const Solved& solved, std::ostream& out) {
  const Verdict verdict = verify(solved.instance, solved.solution.roster);
  for (const Violation& violation : verdict.violations) {
    out << "violation " << to_string(violation.rule) << ": " << violation.text << '\n';
  }
  const bool same_cost = verdict.cost == solved.solution.cost;
  if (!same_cost) out << "violation cost: the verifier counts " << verdict.cost << '\n';
  if (verdict.feasible() && same_cost) out << "verified\n";
  return verdict.feasible() && same_cost;
}

void print(const Solved& solved) {
  const Solution& solution = solved.solution;
  std::cout << to_string(solution.status) << "\ncost   "
            << (solution.cost ? std::to_string(*solution.cost) : "none") << "\nbound  "
            << solution.bound << '\n';
  if (!solution.reason.empty()) std::cout << "reason " << solution.reason << '\n';
  if (!solution.roster.empty()) {
    std::cout << '\n' << render_table(solved.instance, solution.roster) << '\n';
  }
}

int run(const Arguments& arguments) {
  if (arguments.words().size() != 1) {
    return report({Errc::invalid, "solve takes exactly one instance file, or - for stdin"});
  }
  const std::string& path = arguments.words().front();
  const auto limit = duration_flag(arguments, "--time-limit");
  if (!limit) return report(limit.error());
  const auto text = read_file(path);
  if (!text) return report(text.error());
  SolveRequest request{.text = *text, .run_id = path};
  if (*limit) request.limit = **limit;
  if (isatty(STDERR_FILENO) == 1 && !arguments.quiet()) {
    request.on_progress = [](const Progress& progress) { std::cerr << to_text(progress) << '\n'; };
  }
  const auto solved = solve_text(request);
  if (!solved) return report({solved.error().code, path + ": " + solved.error().message});
  if (arguments.json()) {
    std::cout << solved->answer << '\n';
  } else {
    print(*solved);
  }
  if (!arguments.has("--verify") || solved->solution.roster.empty()) return 0;
  return holds(*solved, arguments.json() ? std::cerr : std::cout) ? 0 : 1;
}

}  // namespace

Command solve_command() {
  return {.name = "solve",
          .summary = "Solve one instance in this process and print the roster",
          .flags = {{"--verify", "", "check the roster apart from the solver; exit 1 if it fails"},
                    {"--time-limit", "30s", "end the search after this"}},
          .words = "FILE",
          .run = run};
}

}  // namespace penstock::roster
