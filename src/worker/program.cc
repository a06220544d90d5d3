// SPDX-License-Identifier: MIT
//
// Programs as tasks: what is registered, and with which environment.
#include <penstock/program.h>

#include "rules/byte_size.h"
#include "rules/check.h"
#include "rules/name.h"
#include "store/open.h"
#include "worker/programs.h"

#include <algorithm>
#include <array>

#include <unistd.h>

namespace penstock {
namespace {

// What a worker tells each job anew.
constexpr std::array of_a_job = {"PENSTOCK_JOB_ID", "PENSTOCK_TASK", "PENSTOCK_ATTEMPT",
                                 "PENSTOCK_FENCE", "PENSTOCK_DEADLINE"};

std::vector<std::string> environment_for(const Program& program) {
  std::vector<std::string> all;
  for (char** variable = environ; variable && *variable; ++variable) {
    const std::string_view text(*variable);
    const std::string name(text.substr(0, text.find('=')));
    const bool kept = !names_store(name) && !program.environment.contains(name) &&
                      std::ranges::find(of_a_job, name) == of_a_job.end();
    if (kept) all.emplace_back(text);
  }
  for (const auto& [name, value] : program.environment) all.push_back(name + "=" + value);
  return all;
}

Result<void> check(const std::string& name, const Program& program) {
  const std::string task = "task " + name + ": ";
  if (program.command.empty() || program.command.front().empty()) {
    return Error{Errc::invalid, task + "its command is empty: name a program"};
  }
  if (program.memory_bytes && *program.memory_bytes < (1 << 20)) {
    return Error{Errc::invalid, task + "memory " + rules::format_bytes(*program.memory_bytes) +
                                    " is too little for any program: use 1MiB or more"};
  }
  if (program.cpu && *program.cpu <= Duration{0}) {
    return Error{Errc::invalid, task + "a cpu limit of nothing: use 1s or more"};
  }
  for (const auto& [variable, value] : program.environment) {
    if (variable.empty() || (variable + value).find('\0') != std::string::npos ||
        variable.find('=') != std::string::npos) {
      return Error{Errc::invalid, task + "\"" + rules::printable(variable) +
                                      "\" cannot be a variable: use a name without ="};
    }
  }
  return {};
}

}  // namespace

std::string run_program(const Program& program, std::string_view input, JobContext& job) {
  CHECK(program.mode == Program::Mode::spawn);
  if (auto ok = check("of this job", program); !ok) throw NoRetry(ok.error().message);
  auto path = find_program(program.command.front());
  if (!path) throw NoRetry(path.error().message);
  Programs once(
      {.program = program, .path = *std::move(path), .environment = environment_for(program)});
  return once.run(input, job);
}

Result<void> add_program(Tasks& tasks, std::string name, Program program, TaskDefaults defaults) {
  if (auto ok = rules::check_name("task name", name); !ok) return ok;
  if (auto ok = check(name, program); !ok) return ok;
  auto path = find_program(program.command.front());
  if (!path) {
    return Error{path.error().code, "task " + name + ": " + path.error().message};
  }
  std::shared_ptr<Programs> programs;
  for (const auto& known : tasks.programs()) {
    if (program.mode == Program::Mode::persistent && known->program() == program) programs = known;
  }
  if (!programs) {
    std::vector<std::string> environment = environment_for(program);
    programs = std::make_shared<Programs>(ProgramSource{.program = std::move(program),
                                                        .path = *std::move(path),
                                                        .environment = std::move(environment)});
    tasks.keep(programs);
  }
  tasks.add_raw(
      std::move(name),
      [programs](std::string_view payload, JobContext& job) { return programs->run(payload, job); },
      std::move(defaults));
  return {};
}

}  // namespace penstock
