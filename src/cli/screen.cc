// SPDX-License-Identifier: MIT
#include "cli/screen.h"

#include "cli/connect.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include <sys/ioctl.h>
#include <unistd.h>

namespace penstock::cli {
namespace {

constexpr int bar_width = 28;

bool colours_wanted(int descriptor) {
  const char* refused = std::getenv("NO_COLOR");
  return is_terminal(descriptor) && !(refused && *refused);
}

bool can_move() {
  const char* terminal = std::getenv("TERM");
  return is_terminal(STDERR_FILENO) && terminal && std::string(terminal) != "dumb";
}

struct TerminalSize {
  std::size_t width = 80, height = 24;
};

TerminalSize terminal_size() {
  TerminalSize known;
  winsize size{};
  if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0) return known;
  if (size.ws_col > 20) known.width = size.ws_col;
  if (size.ws_row > 0) known.height = std::max<std::size_t>(size.ws_row, 3);
  return known;
}

// At most so many bytes, and no half of a character.
std::string cut(const std::string& text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xC0U) == 0x80U) --bytes;
  return text.substr(0, bytes);
}

int quarter(double share) { return static_cast<int>(std::clamp(share, 0.0, 1.0) * 4); }

}  // namespace

Screen::Screen(Options options)
    : options_(options),
      moving_(!options.quiet && can_move()),
      coloured_(colours_wanted(options.to_stderr ? STDERR_FILENO : STDOUT_FILENO)) {}

void Screen::say(const std::string& text, Tone tone) {
  if (options_.quiet) return;
  const std::lock_guard lock(mutex_);
  wipe();
  std::ostream& out = options_.to_stderr ? std::cerr : std::cout;
  if (coloured_ && tone != Tone::plain) {
    out << (tone == Tone::good ? "\x1b[32m" : "\x1b[31m") << text << "\x1b[0m" << std::endl;
  } else {
    out << text << std::endl;
  }
  draw();
}

void Screen::bars(std::vector<Bar> bars) {
  if (options_.quiet) return;
  const std::lock_guard lock(mutex_);
  if (bars == bars_) return;
  if (!moving_) say_quarters(bars);
  bars_ = std::move(bars);
  draw();
}

// Caller holds `mutex_`.
void Screen::say_quarters(const std::vector<Bar>& bars) {
  std::ostream& out = options_.to_stderr ? std::cerr : std::cout;
  for (std::size_t i = 0; i < bars.size(); ++i) {
    if (!bars[i].share) continue;
    const double share = *bars[i].share;
    const bool known = i < bars_.size() && bars_[i].title == bars[i].title;
    const double before = known ? bars_[i].share.value_or(0) : 0;
    if (quarter(share) == quarter(before)) continue;
    out << "  " << bars[i].title << ": " << static_cast<int>(share * 100) << "%, " << bars[i].note
        << std::endl;
  }
}

// Caller holds `mutex_`.
void Screen::wipe() {
  if (drawn_ == 0) return;
  std::cerr << "\x1b[" << drawn_ << "A\x1b[J" << std::flush;
  drawn_ = 0;
}

// Caller holds `mutex_`. In one piece, each line over the one that was there: nothing flickers.
void Screen::draw() {
  if (!moving_ || (bars_.empty() && drawn_ == 0)) return;
  const TerminalSize size = terminal_size();
  // What has left the terminal at its top could not be taken away again.
  const bool all = bars_.size() < size.height;
  const std::size_t shown = all ? bars_.size() : size.height - 2;
  std::size_t widest = 0;
  for (const Bar& bar : bars_) widest = std::max(widest, bar.title.size());
  // Neither could what is wrapped: the terminal is told not to.
  std::string text = "\x1b[?7l";
  if (drawn_ > 0) text += "\x1b[" + std::to_string(drawn_) + 'A';
  for (std::size_t i = 0; i < shown; ++i) {
    const Bar& bar = bars_[i];
    std::string line = "  " + bar.title + std::string(widest - bar.title.size(), ' ') + "  ";
    if (bar.share) {
      const int full = static_cast<int>(std::clamp(*bar.share, 0.0, 1.0) * bar_width);
      line += '[';
      for (int k = 0; k < bar_width; ++k) line += k < full ? '#' : '.';
      line += "]  ";
    }
    text += cut(line + bar.note, size.width - 1) + "\x1b[K\n";
  }
  if (!all) text += "  and " + std::to_string(bars_.size() - shown) + " more lines\x1b[K\n";
  std::cerr << text + "\x1b[J\x1b[?7h" << std::flush;
  drawn_ = shown + (all ? 0 : 1);
}

}  // namespace penstock::cli
