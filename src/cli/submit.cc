// SPDX-License-Identifier: MIT
#include "cli/commands.h"
#include "cli/connect.h"
#include "cli/input_file.h"
#include "cli/job_flags.h"
#include "cli/task_tables.h"
#include "rules/job_json.h"
#include "rules/limits.h"

#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>

#include <unistd.h>

namespace penstock::cli {
namespace {

void say_if_nobody_offers(Client& client, const Arguments& arguments, const JobSpec& job) {
  if (arguments.quiet()) return;
  const auto offered = client.offered(job.task, job.options.queue, job.options.pool);
  if (!offered || *offered) return;
  std::cerr << "note: no live worker of queue " << job.options.queue
            << (job.options.pool.empty() ? "" : " and pool " + job.options.pool)
            << " offers task \"" << job.task << "\"; the job waits for one\n";
}

void print_submitted(const Arguments& arguments, const Submitted& answer) {
  if (arguments.json()) {
    std::cout << rules::to_json(answer) << '\n';
    return;
  }
  std::cout << answer.id.text << '\n';
  if (answer.duplicate && !arguments.quiet()) {
    std::cerr << "note: nothing new was submitted, this job was there already\n";
  }
}

int submit_many(Client& client, const Arguments& arguments, const JobSpec& job, int count) {
  constexpr int at_once = 1000;
  for (int done = 0; done < count;) {
    const std::vector<JobSpec> batch(static_cast<std::size_t>(std::min(at_once, count - done)),
                                     job);
    const auto answers = client.submit(batch);
    if (!answers) return fail(arguments, answers.error());
    for (const Submitted& answer : *answers) {
      if (answer.error) return fail(arguments, *answer.error);
      print_submitted(arguments, answer);
    }
    done += static_cast<int>(batch.size());
  }
  return 0;
}

// One JSON object a line. Refused lines are named, the others go in.
int submit_batch(Client& client, const Arguments& arguments, const std::string& path) {
  std::ifstream file;
  if (path != "-") {
    file.open(path);
    if (!file) {
      return fail(arguments, {Errc::not_found, "batch file " + path + " cannot be read"});
    }
  }
  std::istream& lines = path == "-" ? std::cin : file;
  std::vector<JobSpec> batch;
  std::vector<std::int64_t> numbers;
  std::int64_t number = 0, accepted = 0, duplicates = 0, refused = 0;
  const bool bar = is_terminal(STDERR_FILENO) && !arguments.quiet();
  const auto refuse = [&](std::int64_t line, const Error& error) {
    ++refused;
    std::cerr << path << ':' << line << ": " << error.message << '\n';
  };
  const auto send = [&]() -> Result<void> {
    auto answers = client.submit(batch);
    if (!answers) return std::move(answers).error();
    for (std::size_t i = 0; i < answers->size(); ++i) {
      const Submitted& answer = (*answers)[i];
      if (answer.error) {
        refuse(numbers[i], *answer.error);
        continue;
      }
      ++(answer.duplicate ? duplicates : accepted);
      if (!arguments.quiet() && !arguments.json()) std::cout << answer.id.text << '\n';
    }
    if (bar) std::cerr << "\r" << accepted << " submitted";
    batch.clear();
    numbers.clear();
    return {};
  };
  for (std::string line; std::getline(lines, line);) {
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    auto spec = rules::read_job_spec(line);
    if (!spec) {
      refuse(number, spec.error());
      continue;
    }
    batch.push_back(*std::move(spec));
    numbers.push_back(number);
    if (batch.size() < rules::step_jobs) continue;
    if (auto sent = send(); !sent) return fail(arguments, sent.error());
  }
  if (!batch.empty()) {
    if (auto sent = send(); !sent) return fail(arguments, sent.error());
  }
  if (bar) std::cerr << '\n';
  if (arguments.json()) {
    std::cout << "{\"accepted\":" << accepted << ",\"duplicates\":" << duplicates
              << ",\"refused\":" << refused << "}\n";
  } else if (!arguments.quiet()) {
    std::cerr << accepted << " accepted, " << duplicates << " duplicates, " << refused
              << " refused\n";
  }
  return refused > 0 ? 2 : 0;
}

int run_submit(const Arguments& arguments) {
  const auto& words = arguments.words();
  const std::string batch = arguments.text("--batch");
  if (batch.empty() && (words.empty() || words.size() > 2)) {
    return fail(arguments, {Errc::invalid,
                            "submit takes TASK and at most one payload: penstock "
                            "submit echo '{\"a\":1}'"});
  }
  if (!batch.empty() && !words.empty()) {
    return fail(arguments, {Errc::invalid, "--batch takes its jobs from the file: leave TASK out"});
  }
  if (arguments.has("--wait") && (arguments.has("--count") || !batch.empty())) {
    return fail(arguments, {Errc::invalid, "--wait is for one job: leave --count and --batch out"});
  }
  auto options = read_submit_flags(arguments);
  if (!options) return fail(arguments, options.error());
  auto patience = duration_flag(arguments, "--wait");
  if (!patience) return fail(arguments, patience.error());
  auto count = integer_flag(arguments, "--count");
  if (!count) return fail(arguments, count.error());
  if (*count && (**count < 1 || **count > 10'000'000)) {
    return fail(arguments, {Errc::invalid, "--count is out of range: use 1 to 10000000"});
  }
  JobSpec job{.options = *std::move(options)};
  if (batch.empty()) {
    job.task = words[0];
    auto payload = read_input_word(words.size() > 1 ? words[1] : "null");
    if (!payload) return fail(arguments, payload.error());
    job.payload = *std::move(payload);
    if (auto ok = apply_task_table(arguments, job); !ok) return fail(arguments, ok.error());
  }
  auto client = connect(arguments, Access::write);
  if (!client) return fail(arguments, client.error());
  if (!batch.empty()) return submit_batch(*client, arguments, batch);
  if (*count) return submit_many(*client, arguments, job, **count);
  auto answer = client->submit(job);
  if (!answer) return fail(arguments, answer.error());
  say_if_nobody_offers(*client, arguments, job);
  if (!arguments.has("--wait")) {
    print_submitted(arguments, *answer);
    return 0;
  }
  constexpr Duration for_ever{365LL * 86'400'000};
  auto result = client->wait_text(answer->id, patience->value_or(for_ever));
  if (!result) return fail(arguments, result.error());
  std::cout << *result << '\n';
  return 0;
}

}  // namespace

Command submit_command() {
  Command command{.name = "submit",
                  .summary = "Submit a job; prints its id, or with --wait its result",
                  .flags = submit_flags(),
                  .words = "TASK [JSON | @file | -]",
                  .run = run_submit};
  command.flags.push_back({"--wait", "[=30s]", "wait for the result and print it"});
  command.flags.push_back({"--count", "N", "submit the same job N times"});
  command.flags.push_back({"--batch", "FILE", "one JSON object a line (- for standard input)"});
  return command;
}

}  // namespace penstock::cli
