// SPDX-License-Identifier: MIT
#include "store/event_text.h"

#include "rules/job_state.h"

#include <array>
#include <charconv>

namespace penstock {
namespace {

std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) {
      const char c = text[++i];
      out += c == 'n' ? '\n' : c == 't' ? '\t' : c;
    } else {
      out += text[i];
    }
  }
  return out;
}

template <class T>
T number(std::string_view text) {
  T value{};
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

rules::JobKey read_key(std::string_view text) {
  const auto dot = text.find('.');
  if (dot == std::string_view::npos) return {};
  return {.lane = rules::Lane{number<std::uint32_t>(text.substr(0, dot))},
          .sequence = number<std::uint64_t>(text.substr(dot + 1))};
}

constexpr std::size_t most_fields = 8;

std::array<std::string_view, most_fields> split(std::string_view line) {
  std::array<std::string_view, most_fields> fields;
  for (std::size_t i = 0; i < most_fields; ++i) {
    const auto tab = i + 1 == most_fields ? std::string_view::npos : line.find('\t');
    fields[i] = line.substr(0, tab);
    if (tab == std::string_view::npos) break;
    line.remove_prefix(tab + 1);
  }
  return fields;
}

}  // namespace

std::string escape_field(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    if (c == '\t') {
      out += "\\t";
    } else if (c == '\n') {
      out += "\\n";
    } else if (c == '\\') {
      out += "\\\\";
    } else {
      out += c;
    }
  }
  return out;
}

std::string key_text(const rules::JobKey& key) {
  return std::to_string(static_cast<std::uint32_t>(key.lane)) + '.' + std::to_string(key.sequence);
}

std::string job_text(const rules::JobKey& key, std::string_view own_id) {
  std::string text = key_text(key);
  if (!own_id.empty()) (text += '=') += own_id;
  return text;
}

void append_job_event(std::string& body, const JobEvent& event) {
  body += "j\t";
  body += job_text(event.key, event.own_id);
  body += '\t';
  body += event.from ? rules::to_text(*event.from) : std::string_view("-");
  body += '\t';
  body += rules::to_text(event.to);
  body += '\t';
  body += std::to_string(event.attempt);
  body += '\t';
  body += event.task;
  body += '\t';
  body += escape_field(event.worker);
  body += '\t';
  if (!event.message.empty()) body += escape_field(event.message.substr(0, 400));
  body += '\n';
}

std::optional<Event> read_event(std::string_view line, const rules::IdMint& mint,
                                const QueueOf& queue_of) {
  const auto fields = split(line);
  Event event;
  const auto take_job = [&] {
    const auto equals = fields[1].find('=');
    const rules::JobKey key = read_key(fields[1].substr(0, equals));
    event.job = equals == std::string_view::npos ? mint.make(key)
                                                 : JobId{std::string(fields[1].substr(equals + 1))};
    event.queue = queue_of(key.lane);
  };
  if (fields[0] == "j") {
    take_job();
    event.type = Event::Type::job;
    event.from = rules::parse_state(fields[2]);
    event.to = rules::parse_state(fields[3]);
    event.attempt = number<int>(fields[4]);
    event.task = fields[5];
    event.worker = unescape(fields[6]);
    event.message = unescape(fields[7]);
  } else if (fields[0] == "r") {
    take_job();
    event.message = unescape(fields[2]);
  } else if (fields[0] == "p") {
    take_job();
    event.type = Event::Type::progress;
    event.message = std::string(fields[2]) + ' ' + unescape(fields[3]);
  } else if (fields[0] == "l") {
    take_job();
    event.type = Event::Type::log;
    event.message = unescape(fields[3]);
  } else if (fields[0] == "q") {
    event.type = Event::Type::queue;
    event.queue = fields[1];
    event.message = unescape(fields[2]);
  } else if (fields[0] == "f") {
    event.type = Event::Type::run;
    event.run = unescape(fields[1]);
    event.message = fields[2];
  } else if (fields[0] == "w") {
    event.type = Event::Type::worker;
    event.worker = unescape(fields[1]);
    event.message = unescape(fields[2]);
  } else {
    return std::nullopt;
  }
  return event;
}

}  // namespace penstock
