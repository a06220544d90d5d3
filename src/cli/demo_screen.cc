// SPDX-License-Identifier: MIT
#include "cli/demo_screen.h"

#include "cli/connect.h"

#include <algorithm>
#include <cstdlib>
#include <iostream>

#include <unistd.h>

namespace penstock::cli {
namespace {

constexpr int bar_width = 28;
constexpr std::size_t longest_note = 34;

bool colours_wanted(int descriptor) {
  const char* refused = std::getenv("NO_COLOR");
  return is_terminal(descriptor) && !(refused && *refused);
}

bool can_move() {
  const char* terminal = std::getenv("TERM");
  return is_terminal(STDERR_FILENO) && terminal && std::string(terminal) != "dumb";
}

int quarter(double share) { return static_cast<int>(std::clamp(share, 0.0, 1.0) * 4); }

}  // namespace

DemoScreen::DemoScreen(Options options)
    : options_(options),
      moving_(!options.quiet && can_move()),
      coloured_(colours_wanted(options.to_stderr ? STDERR_FILENO : STDOUT_FILENO)) {}

void DemoScreen::say(const std::string& text, Tone tone) {
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

void DemoScreen::bars(std::vector<Bar> bars) {
  if (options_.quiet) return;
  const std::lock_guard lock(mutex_);
  if (!moving_) say_quarters(bars);
  wipe();
  bars_ = std::move(bars);
  draw();
}

// Caller holds `mutex_`.
void DemoScreen::say_quarters(const std::vector<Bar>& bars) {
  std::ostream& out = options_.to_stderr ? std::cerr : std::cout;
  for (std::size_t i = 0; i < bars.size(); ++i) {
    const double before = i < bars_.size() ? bars_[i].share : 0;
    if (quarter(bars[i].share) == quarter(before)) continue;
    out << "  " << bars[i].title << ": " << static_cast<int>(bars[i].share * 100) << "%, "
        << bars[i].note << std::endl;
  }
}

// Caller holds `mutex_`.
void DemoScreen::wipe() {
  if (drawn_ == 0) return;
  std::cerr << "\x1b[" << drawn_ << "A\x1b[J" << std::flush;
  drawn_ = 0;
}

// Caller holds `mutex_`.
void DemoScreen::draw() {
  if (!moving_ || bars_.empty()) return;
  std::size_t widest = 0;
  for (const Bar& bar : bars_) widest = std::max(widest, bar.title.size());
  std::string text;
  for (const Bar& bar : bars_) {
    const int full = static_cast<int>(std::clamp(bar.share, 0.0, 1.0) * bar_width);
    text += "  " + bar.title + std::string(widest - bar.title.size(), ' ') + "  [";
    for (int i = 0; i < bar_width; ++i) text += i < full ? '#' : '.';
    text += "]  " + bar.note.substr(0, longest_note) + '\n';
  }
  std::cerr << text << std::flush;
  drawn_ = bars_.size();
}

}  // namespace penstock::cli
