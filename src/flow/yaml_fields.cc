// SPDX-License-Identifier: MIT
#include "flow/yaml_fields.h"

#include "rules/duration.h"
#include "rules/name.h"
#include "rules/path.h"
#include "rules/perhaps.h"

#include <charconv>

namespace penstock::flow {

using Kind = YamlValue::Kind;

void Findings::say_in(const YamlSpot& spot, std::string text) const {
  constexpr std::string_view mark = " (column ";
  const auto at = text.rfind(mark);
  YamlPlace place = spot.place;
  int column = 0;
  if (at != std::string::npos && text.ends_with(')')) {
    std::from_chars(text.data() + at + mark.size(), text.data() + text.size(), column);
  }
  if (column > 0) text.resize(at);
  if (column > 1 && spot.inset < 0) text += " (character " + std::to_string(column) + " of it)";
  if (column > 1 && spot.inset >= 0) place.column += spot.inset + column - 1;
  problems_->insert({.file = spot.file, .place = place, .node = node_, .text = std::move(text)});
}

bool Findings::need(const YamlMember& from, std::string_view what) const {
  const bool looks_text = what == "text" && from.value->kind != Kind::list &&
                          from.value->kind != Kind::map && from.value->kind != Kind::null;
  say(from.value->place, from.key + " has to be " + std::string(what) + ", not " +
                             describe(*from.value) + (looks_text ? ": put it in quotes" : ""));
  return false;
}

bool Findings::refuse(const YamlMember& from, const Error& error) const {
  say(from.value->place, from.key + ": " + error.message);
  return false;
}

bool Findings::text(const YamlMember& from, std::string& into) const {
  if (from.value->kind != Kind::text) return need(from, "text");
  into = from.value->text;
  return true;
}

bool Findings::boolean(const YamlMember& from, bool& into) const {
  if (from.value->kind != Kind::boolean) return need(from, "true or false");
  into = from.value->text.front() == 't' || from.value->text.front() == 'T';
  return true;
}

bool Findings::integer(const YamlMember& from, std::int64_t least, std::int64_t most,
                       std::int64_t& into) const {
  const std::string& text = from.value->text;
  std::int64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [after, error] = std::from_chars(text.data(), end, number);
  const bool whole = from.value->kind == Kind::number && error == std::errc{} && after == end;
  if (!whole || number < least || number > most) {
    return need(from,
                "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
  }
  into = number;
  return true;
}

bool Findings::texts(const YamlMember& from, std::vector<std::string>& into) const {
  if (from.value->kind != Kind::list) return need(from, "a list of texts");
  bool good = true;
  for (const auto& item : from.value->items) {
    const bool scalar = item->kind != Kind::list && item->kind != Kind::map;
    good = good && scalar && item->kind != Kind::null;
    if (scalar && item->kind != Kind::null) {
      into.push_back(item->text);
    } else {
      say(item->place,
          from.key + " has to be a list of texts, and " + describe(*item) + " is in it");
    }
  }
  return good;
}

bool Findings::duration(const YamlMember& from, std::optional<Duration>& into) const {
  if (from.value->kind != Kind::text && from.value->kind != Kind::number) {
    return need(from, "a duration such as 30s");
  }
  auto parsed = rules::parse_duration(from.value->text);
  if (!parsed) return refuse(from, parsed.error());
  if (*parsed <= Duration{0}) {
    say(from.value->place, from.key + " has to be longer than nothing: leave it out for none");
    return false;
  }
  into = *parsed;
  return true;
}

bool Findings::name(const YamlMember& from, std::string_view what, std::string& into) const {
  std::string read;
  if (!text(from, read)) return false;
  if (auto ok = rules::check_name(what, read); !ok) {
    say(from.value->place, ok.error().message);
    return false;
  }
  into = std::move(read);
  return true;
}

bool Findings::paths(const YamlMember& from, std::string& into) const {
  auto json = yaml_to_json(*from.value);
  if (!json) return refuse(from, json.error());
  if (auto ok = rules::Template::parse(*json); !ok) return refuse(from, ok.error());
  into = *std::move(json);
  return true;
}

void say_unknown(const YamlMember& member, std::string_view what,
                 const std::vector<std::string_view>& known, const Findings& findings) {
  std::string list;
  for (const std::string_view name : known) list += (list.empty() ? "" : ", ") + std::string(name);
  findings.say(member.place, "unknown key \"" + rules::printable(member.key) + "\"" +
                                 rules::perhaps(member.key, known) + ": " + std::string(what) +
                                 " may have " + list);
}

bool is_mapping(const YamlMember& from, const Findings& findings) {
  if (from.value->kind == Kind::map) return true;
  findings.say(from.value->place, from.key + " has to be a mapping, not " + describe(*from.value));
  return false;
}

}  // namespace penstock::flow
