// SPDX-License-Identifier: MIT
//
// The small texts that scripts and this program share: state letters (scripts/lib/look.lua explains
// them), names of jobs (lane.sequence), numbers.
#pragma once

#include "rules/duration.h"
#include "rules/id.h"
#include "store/store.h"

#include <penstock/job.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>

namespace penstock::redis {

/// Nothing for a job that is gone or never was.
constexpr std::optional<JobState> state_of_letter(char letter) {
  switch (letter) {
    case 'u':
    case 'y':
      return JobState::ready;
    case 'd':
      return JobState::scheduled;
    case 'w':
      return JobState::waiting;
    case 'r':
    case 'R':
      return JobState::running;
    case 's':
    case 'S':
      return JobState::succeeded;
    case 'f':
      return JobState::failed;
    case 'c':
      return JobState::cancelled;
    default:
      return std::nullopt;
  }
}

/// The letters of a state; without one, of all.
inline std::string letters_of(std::optional<JobState> state) {
  std::string letters;
  for (const char letter : std::string_view("uydwrRsSfc")) {
    if (!state || state_of_letter(letter) == state) letters += letter;
  }
  return letters;
}

/// Zero when it is none.
template <class T>
T read_number(std::string_view text) {
  T value{};
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

inline std::optional<Time> read_time(std::string_view text) {
  if (text.empty()) return std::nullopt;
  return rules::from_ms(read_number<std::int64_t>(text));
}

/// "lane.sequence".
inline rules::JobKey read_job_key(std::string_view text) {
  const auto dot = text.find('.');
  if (dot == std::string_view::npos) return {};
  return {.lane = rules::Lane{read_number<std::uint32_t>(text.substr(0, dot))},
          .sequence = read_number<std::uint64_t>(text.substr(dot + 1))};
}

/// A position of the event stream, "ms-number", as one number that grows with it: 41 bits of
/// milliseconds since 2020, 23 bits of number. Beyond that (a server whose clock was set back goes
/// on counting) positions look alike, and a wait ends too early.
inline constexpr std::uint64_t bell_epoch_ms = 1'577'836'800'000, bell_bits = 23;
inline Bell read_bell(std::string_view position) {
  const auto dash = position.find('-');
  const auto ms = read_number<std::uint64_t>(position.substr(0, dash));
  const auto number = dash == std::string_view::npos
                          ? std::uint64_t{0}
                          : read_number<std::uint64_t>(position.substr(dash + 1));
  if (ms < bell_epoch_ms) return Bell{0};
  return Bell{((ms - bell_epoch_ms) << bell_bits) |
              std::min(number, (std::uint64_t{1} << bell_bits) - 1)};
}
inline std::string bell_text(Bell bell) {
  const auto number = static_cast<std::uint64_t>(bell);
  if (number == 0) return "0-0";
  return std::to_string((number >> bell_bits) + bell_epoch_ms) + '-' +
         std::to_string(number & ((std::uint64_t{1} << bell_bits) - 1));
}

/// Cuts what stands before the next `end` off the front.
inline std::string_view take_until(std::string_view& text, char end) {
  const auto at = text.find(end);
  const std::string_view first = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return first;
}

/// A job without a record: "task payload", or "task @options" of a step of a run, whose payload is
/// null.
struct Body {
  std::string_view task = {}, payload = {}, options = {};
};
inline Body split_body(std::string_view text) {
  const std::string_view task = take_until(text, ' ');
  if (text.starts_with('@')) return {.task = task, .payload = "null", .options = text.substr(1)};
  return {.task = task, .payload = text};
}

}  // namespace penstock::redis
