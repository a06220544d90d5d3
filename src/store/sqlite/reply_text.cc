// SPDX-License-Identifier: MIT
#include "store/sqlite/reply_text.h"

#include "rules/errc.h"
#include "store/event_text.h"

#include <charconv>

namespace penstock::sqlite {
namespace {

template <class Take>
void each_line(std::string_view text, Take take) {
  while (!text.empty()) {
    const auto end = text.find('\n');
    take(text.substr(0, end));
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

// Cuts the first word off `line`.
std::string_view word(std::string_view& line) {
  const auto space = line.find(' ');
  const std::string_view first = line.substr(0, space);
  line.remove_prefix(space == std::string_view::npos ? line.size() : space + 1);
  return first;
}

template <class T>
T number(std::string_view text) {
  T value{};
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

Errc code_named(std::string_view name) {
  for (const auto& row : rules::errc_table()) {
    if (row.name == name) return row.code;
  }
  return Errc::internal;
}

std::string one_line(std::string_view message) {
  std::string line(message);
  for (char& c : line) {
    if (c == '\n') c = ' ';
  }
  return line;
}

}  // namespace

void append_accepted(std::string& reply, const rules::JobKey& key, std::string_view own_id) {
  reply += "a ";
  reply += key_text(key);
  reply += ' ';
  reply += own_id;
  reply += '\n';
}

void append_submitted(std::string& reply, const Submitted& answer) {
  if (answer.error) {
    reply += "e ";
    reply += rules::describe(answer.error->code).name;
    reply += ' ' + one_line(answer.error->message) + '\n';
  } else {
    reply += "d " + answer.id.text + '\n';
  }
}

std::vector<Submitted> read_submitted(std::string_view reply, const rules::IdMint& mint) {
  std::vector<Submitted> answers;
  each_line(reply, [&](std::string_view line) {
    const std::string_view kind = word(line);
    Submitted answer;
    if (kind == "a") {
      const std::string_view key = word(line);
      const auto dot = key.find('.');
      answer.id = line.empty()
                      ? mint.make({.lane = rules::Lane{number<std::uint32_t>(key.substr(0, dot))},
                                   .sequence = number<std::uint64_t>(key.substr(dot + 1))})
                      : JobId{std::string(line)};
    } else if (kind == "d") {
      answer.duplicate = true;
      answer.id = JobId{std::string(line)};
    } else {
      const Errc code = code_named(word(line));
      answer.error = Error{code, std::string(line)};
    }
    answers.push_back(std::move(answer));
  });
  return answers;
}

std::string write_changed(const Changed& changed) {
  std::string reply = std::to_string(changed.changed) + ' ' + changed.next_cursor + '\n';
  for (const auto& [id, error] : changed.refused) {
    reply += std::string(rules::describe(error.code).name) + ' ' + id.text + ' ' +
             one_line(error.message) + '\n';
  }
  return reply;
}

Changed read_changed(std::string_view reply) {
  Changed changed;
  bool first = true;
  each_line(reply, [&](std::string_view line) {
    if (first) {
      changed.changed = number<std::int64_t>(word(line));
      changed.next_cursor = line;
      first = false;
      return;
    }
    const Errc code = code_named(word(line));
    const JobId id{std::string(word(line))};
    changed.refused.emplace_back(id, Error{code, std::string(line)});
  });
  return changed;
}

}  // namespace penstock::sqlite
