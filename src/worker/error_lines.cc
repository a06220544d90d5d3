// SPDX-License-Identifier: MIT
#include "worker/error_lines.h"

#include "rules/json.h"
#include "rules/limits.h"
#include "rules/name.h"

#include <algorithm>

namespace penstock {
namespace {

constexpr std::size_t last_line_shown = 200;

// What a terminal shows of a line in the end: progress bars write over themselves.
std::string shown(std::string_view text) {
  while (text.ends_with('\r')) text.remove_suffix(1);
  if (const auto back = text.rfind('\r'); back != std::string_view::npos) {
    text.remove_prefix(back + 1);
  }
  std::string line = rules::valid_utf8(text);
  std::ranges::replace(line, '\0', ' ');
  return line;
}

}  // namespace

void ErrorLines::add(std::string_view text, const Sink& line) {
  tail_ += text;
  if (tail_.size() > rules::max_error_tail_bytes) {
    tail_.erase(0, tail_.size() - rules::max_error_tail_bytes);
  }
  while (!text.empty()) {
    const auto end = text.find('\n');
    const std::size_t space = rules::max_log_line_bytes - open_line_.size();
    const bool too_long = std::min(end, text.size()) > space;
    const std::size_t take = too_long ? space : std::min(end, text.size());
    open_line_ += text.substr(0, take);
    text.remove_prefix(take);
    if (too_long || text.starts_with('\n')) {
      complete(open_line_, line);
      open_line_.clear();
    }
    if (!too_long && !text.empty()) text.remove_prefix(1);
  }
}

void ErrorLines::finish(const Sink& line) {
  if (!open_line_.empty()) complete(open_line_, line);
  open_line_.clear();
}

void ErrorLines::forget() {
  tail_.clear();
  last_line_.clear();
}

void ErrorLines::complete(std::string_view text, const Sink& line) {
  std::string whole = shown(text);
  line(whole);
  if (whole.find_first_not_of(" \t") != std::string::npos) last_line_ = std::move(whole);
}

std::string ErrorLines::detail() const {
  if (last_line_.empty()) return {};
  std::string text = ", last line: " + rules::printable(last_line_, last_line_shown);
  std::string tail = rules::valid_utf8(tail_);
  std::ranges::replace(tail, '\0', ' ');
  while (tail.ends_with('\n') || tail.ends_with('\r')) tail.pop_back();
  if (tail != last_line_) text += '\n' + tail;
  return text;
}

}  // namespace penstock
