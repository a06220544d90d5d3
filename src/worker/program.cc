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
#include <filesystem>

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

Result<ProgramSource> source_of(const std::string& task, Program program) {
  if (auto ok = check(task, program); !ok) return std::move(ok).error();
  std::string name = program.command.front();
  if (!program.folder.empty()) {
    std::error_code wrong;
    const auto folder = std::filesystem::absolute(program.folder, wrong);
    if (wrong || !std::filesystem::is_directory(folder, wrong)) {
      return Error{Errc::not_found, "task " + task + ": folder \"" +
                                        rules::printable(program.folder) +
                                        "\" does not exist: check the path"};
    }
    program.folder = folder.string();
    if (name.find('/') != std::string::npos) name = (folder / name).string();
  }
  auto path = find_program(name);
  if (!path) return Error{path.error().code, "task " + task + ": " + path.error().message};
  // It may run in another folder than this process.
  std::error_code unknown;
  const auto file = std::filesystem::absolute(*path, unknown);
  std::vector<std::string> environment = environment_for(program);
  return ProgramSource{.program = std::move(program),
                       .path = unknown ? *path : file.string(),
                       .environment = std::move(environment)};
}

}  // namespace

std::string run_program(const Program& program, std::string_view input, JobContext& job) {
  CHECK(program.mode == Program::Mode::spawn);
  auto source = source_of("of this job", program);
  if (!source) throw NoRetry(source.error().message);
  Programs once(*std::move(source));
  return once.run(input, job);
}

Result<void> add_program(Tasks& tasks, std::string name, Program program, TaskDefaults defaults) {
  if (auto ok = rules::check_name("task name", name); !ok) return ok;
  auto source = source_of(name, std::move(program));
  if (!source) return std::move(source).error();
  std::shared_ptr<Programs> programs;
  for (const auto& known : tasks.programs()) {
    const bool stays = source->program.mode == Program::Mode::persistent;
    if (stays && known->program() == source->program) programs = known;
  }
  if (!programs) {
    programs = std::make_shared<Programs>(*std::move(source));
    tasks.keep(programs);
  }
  tasks.add_raw(
      std::move(name),
      [programs](std::string_view payload, JobContext& job) { return programs->run(payload, job); },
      std::move(defaults));
  return {};
}

}  // namespace penstock
