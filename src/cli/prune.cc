// SPDX-License-Identifier: MIT
#include "cli/commands.h"
#include "cli/connect.h"
#include "rules/job_state.h"

#include <iostream>

namespace penstock::cli {
namespace {

int run_prune(const Arguments& arguments) {
  const std::string text = arguments.text("--state");
  const auto state = rules::parse_state(text);
  if (!state || !rules::is_terminal(*state)) {
    return fail(arguments,
                {Errc::invalid, "--state \"" + text + "\": write succeeded, failed or cancelled"});
  }
  auto age = duration_flag(arguments, "--older-than");
  if (!age) return fail(arguments, age.error());
  if (!*age) return fail(arguments, {Errc::invalid, "--older-than is missing: write 7d, or 0s"});
  auto client = connect(arguments, Access::write);
  if (!client) return fail(arguments, client.error());
  auto removed = client->prune(*state, **age);
  if (!removed) return fail(arguments, removed.error());
  if (arguments.json()) {
    std::cout << "{\"removed\":" << *removed << "}\n";
  } else {
    std::cout << *removed << " jobs removed\n";
  }
  return 0;
}

}  // namespace

Command prune_command() {
  return {.name = "prune",
          .summary = "Remove ended jobs of one state that ended long ago",
          .flags = {{"--state", "S", "succeeded, failed or cancelled"},
                    {"--older-than", "7d", "that ended longer ago than this"}},
          .run = run_prune};
}

}  // namespace penstock::cli
