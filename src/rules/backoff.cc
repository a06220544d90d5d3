// SPDX-License-Identifier: MIT
#include "rules/backoff.h"

#include "rules/duration.h"
#include "rules/name.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace penstock::rules {
namespace {

constexpr std::array<std::string_view, 4> kinds = {"none", "fixed", "linear", "exponential"};

Error bad(std::string_view text) {
  return Error{Errc::invalid, "backoff \"" + printable(text) +
                                  "\" is not understood: write none, fixed:5s, linear:1s..60s or "
                                  "exponential:1s..60s, with ~20% for jitter"};
}

// Cuts "~20%" off the end of `text`. False when it is there and wrong.
bool take_jitter(std::string_view& text, double& jitter) {
  const auto tilde = text.find('~');
  if (tilde == std::string_view::npos) return true;
  std::string_view share = text.substr(tilde + 1);
  if (!share.ends_with('%')) return false;
  share.remove_suffix(1);
  int percent = 0;
  const auto [end, error] = std::from_chars(share.data(), share.data() + share.size(), percent);
  if (error != std::errc{} || end != share.data() + share.size() || percent < 0 || percent > 100) {
    return false;
  }
  jitter = percent / 100.0;
  text = text.substr(0, tilde);
  return true;
}

}  // namespace

Duration delay(const Backoff& backoff, int failures, double dice) {
  const double first = static_cast<double>(backoff.first.count());
  const int steps = std::max(failures, 1);
  double ms = 0;
  switch (backoff.kind) {
    case Backoff::Kind::none:
      return Duration{0};
    case Backoff::Kind::fixed:
      ms = first;
      break;
    case Backoff::Kind::linear:
      ms = first * steps;
      break;
    case Backoff::Kind::exponential:
      ms = first * std::pow(2.0, std::min(steps - 1, 62));
      break;
  }
  if (backoff.kind != Backoff::Kind::fixed) {
    ms = std::min(ms, static_cast<double>(backoff.cap.count()));
  }
  ms *= 1 + backoff.jitter * (2 * dice - 1);
  return Duration{std::llround(ms)};
}

Result<Backoff> parse_backoff(std::string_view text) {
  const std::string_view whole = text;
  Backoff backoff;
  if (!take_jitter(text, backoff.jitter)) return bad(whole);
  const auto colon = text.find(':');
  const auto kind = std::ranges::find(kinds, text.substr(0, colon));
  if (kind == kinds.end()) return bad(whole);
  backoff.kind = static_cast<Backoff::Kind>(kind - kinds.begin());
  if (colon == std::string_view::npos) return backoff;
  if (backoff.kind == Backoff::Kind::none) return bad(whole);
  std::string_view span = text.substr(colon + 1);
  const auto dots = span.find("..");
  auto first = parse_duration(span.substr(0, dots));
  if (!first) return bad(whole);
  backoff.first = *first;
  if (dots != std::string_view::npos) {
    auto cap = parse_duration(span.substr(dots + 2));
    if (!cap || *cap < *first || backoff.kind == Backoff::Kind::fixed) return bad(whole);
    backoff.cap = *cap;
  } else if (backoff.cap < backoff.first) {
    backoff.cap = backoff.first;
  }
  return backoff;
}

std::string format_backoff(const Backoff& backoff) {
  std::string text(kinds[static_cast<std::size_t>(backoff.kind)]);
  if (backoff.kind == Backoff::Kind::none) return text;
  text += ':' + format_duration(backoff.first);
  if (backoff.kind != Backoff::Kind::fixed) text += ".." + format_duration(backoff.cap);
  return text + '~' + std::to_string(std::lround(backoff.jitter * 100)) + '%';
}

}  // namespace penstock::rules
