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
constexpr std::size_t usual_width = 80;

bool colours_wanted(int descriptor) {
  const char* refused = std::getenv("NO_COLOR");
  return is_terminal(descriptor) && !(refused && *refused);
}

bool can_move() {
  const char* terminal = std::getenv("TERM");
  return is_terminal(STDERR_FILENO) && terminal && std::string(terminal) != "dumb";
}

std::size_t terminal_width() {
  winsize size{};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20;
  return known ? size.ws_col : usual_width;
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
  wipe();
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

// Caller holds `mutex_`.
void Screen::draw() {
  if (!moving_ || bars_.empty()) return;
  std::size_t widest = 0;
  for (const Bar& bar : bars_) widest = std::max(widest, bar.title.size());
  std::string text;
  const std::size_t width = terminal_width();
  for (const Bar& bar : bars_) {
    std::string line = "  " + bar.title + std::string(widest - bar.title.size(), ' ') + "  ";
    if (bar.share) {
      const int full = static_cast<int>(std::clamp(*bar.share, 0.0, 1.0) * bar_width);
      line += '[';
      for (int i = 0; i < bar_width; ++i) line += i < full ? '#' : '.';
      line += "]  ";
    }
    // One that is wrapped could not be taken away again.
    text += (line + bar.note).substr(0, width - 1) + '\n';
  }
  std::cerr << text << std::flush;
  drawn_ = bars_.size();
}

}  // namespace penstock::cli
