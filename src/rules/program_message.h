// SPDX-License-Identifier: MIT
//
// What a worker and a program say to each other: the lines of the persistent protocol, one JSON
// object each, and the output of a program that is started for one job. docs/programs.md is the
// table of both. Fields that nobody knows are passed over, so that the protocol can grow.
#pragma once

#include <penstock/job.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::rules {

/// The first line of a persistent program: {"penstock":1,"tasks":["a","b"]}; the names. Errors:
/// invalid.
Result<std::vector<std::string>> parse_hello(std::string_view line);

/// What a persistent program says of its job.
struct ProgramMessage {
  enum class Kind : std::uint8_t { progress, log, result, error };
  Kind kind = Kind::log;
  std::string id = {};
  double share = 0;                    ///< Of progress: 0..1.
  std::string text = {};               ///< Message, log line, or the result as JSON, unchecked.
  bool retry = true;                   ///< Of an error: whether trying again can help.
  bool cancelled = false;              ///< Of an error: the job is cancelled, `text` is why.
  std::optional<Duration> after = {};  ///< Of an error: again after so long, no attempt is used.
};
/// Errors: invalid, saying what is wrong with the line.
Result<ProgramMessage> parse_message(std::string_view line);

/// A job as a persistent program is told of it, and that it is to be given up; with the line's end.
struct ProgramJob {
  std::string_view id, task, payload;
  std::string_view run = {}, node = {};  ///< Of a step of a run.
  int attempt = 1;
  Fence fence{};
  std::optional<Time> deadline = {};
};
std::string job_line(const ProgramJob& job);
std::string cancel_line(std::string_view id);

/// The result that the output of a program stands for: JSON as it is, nothing as null, any other
/// text as a JSON string without its last line end.
std::string result_of_output(std::string_view output);

}  // namespace penstock::rules
