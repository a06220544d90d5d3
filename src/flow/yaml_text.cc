// SPDX-License-Identifier: MIT
//
// From the library's events to values. The library's own tree is not used: it copies, and tells
// neither doubled keys nor where an alias grows.
#include "flow/yaml_text.h"

#include "rules/name.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <map>
#include <optional>
#include <sstream>

namespace penstock::flow {
namespace {

using Kind = YamlValue::Kind;
using Shared = std::shared_ptr<const YamlValue>;

YamlPlace place_of(const YAML::Mark& mark) { return {mark.line + 1, mark.column + 1}; }

struct Refused {
  YamlMistake mistake;
};

class Builder : public YAML::EventHandler {
 public:
  explicit Builder(std::string_view text) : text_(text) {}

  Shared root() const { return root_; }

  void OnDocumentStart(const YAML::Mark& mark) override {
    if (root_) refuse(place_of(mark), "a second document begins: a file has one flow");
  }
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const bool of_key = !open_.empty() && open_.back().key;  // The mark is the next word's.
    const YamlPlace place = of_key ? open_.back().key->place : place_of(mark);
    add(std::make_shared<YamlValue>(YamlValue{.place = place}), anchor);
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& text) override {
    YamlValue value{
        .kind = Kind::text, .place = place_of(mark), .text = text, .inset = inset_of(mark, text)};
    value.bytes = text.size();
    if (tag == "!") {
      check_quote(mark);
    } else if (tag == "?") {
      value.kind = kind_of_plain(text);
    } else {
      check_tag(tag, "tag:yaml.org,2002:str", value.place);
    }
    add(std::make_shared<YamlValue>(std::move(value)), anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value /*style*/) override {
    check_tag(tag, "tag:yaml.org,2002:seq", place_of(mark));
    open(Kind::list, mark, anchor);
  }
  void OnSequenceEnd() override { close(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value /*style*/) override {
    check_tag(tag, "tag:yaml.org,2002:map", place_of(mark));
    open(Kind::map, mark, anchor);
  }
  void OnMapEnd() override { close(); }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    const auto known = anchors_.find(anchor);
    if (known == anchors_.end()) {
      refuse(place_of(mark), "the alias stands inside what it stands for");
    }
    add(known->second, 0);
  }

 private:
  struct Open {
    std::shared_ptr<YamlValue> value;
    YAML::anchor_t anchor = 0;
    Shared key = {};
  };

  [[noreturn]] static void refuse(YamlPlace place, std::string text) {
    throw Refused{{place, std::move(text)}};
  }

  static void check_tag(const std::string& tag, std::string_view usual, YamlPlace place) {
    if (tag.empty() || tag == "?" || tag == "!" || tag == usual) return;
    refuse(place, "the tag " + rules::printable(tag) + " is not known here: leave it out");
  }

  // The library takes the end of the file for the end of a quote.
  void check_quote(const YAML::Mark& mark) const {
    auto at = static_cast<std::size_t>(mark.pos);
    if (at >= text_.size()) return;
    const char quote = text_[at];
    if (quote != '"' && quote != '\'') return;  // A block of text.
    for (++at; at < text_.size(); ++at) {
      if (quote == '"' && text_[at] == '\\') {
        ++at;
      } else if (text_[at] == quote) {
        if (quote == '"' || at + 1 >= text_.size() || text_[at + 1] != quote) return;
        ++at;
      }
    }
    refuse(place_of(mark), "the quote that begins here is not closed");
  }

  // Escapes, line ends that are blanks, blocks: the text is not there as it is.
  int inset_of(const YAML::Mark& mark, const std::string& text) const {
    const auto at = static_cast<std::size_t>(mark.pos);
    if (at >= text_.size()) return -1;
    const int quote = text_[at] == '"' || text_[at] == '\'' ? 1 : 0;
    const std::size_t from = at + static_cast<std::size_t>(quote);
    return text_.substr(from, text.size()) == text ? quote : -1;
  }

  void open(Kind kind, const YAML::Mark& mark, YAML::anchor_t anchor) {
    if (static_cast<int>(open_.size()) >= max_yaml_depth) {
      refuse(place_of(mark), "it is nested more than " + std::to_string(max_yaml_depth) + " deep");
    }
    YamlValue value{.kind = kind, .place = place_of(mark)};
    open_.push_back({.value = std::make_shared<YamlValue>(std::move(value)), .anchor = anchor});
  }

  void close() {
    const Open done = std::move(open_.back());
    open_.pop_back();
    add(done.value, done.anchor);
  }

  void add(const Shared& value, YAML::anchor_t anchor) {
    if (anchor != 0) anchors_[anchor] = value;
    if (open_.empty()) {
      root_ = value;
      return;
    }
    Open& in = open_.back();
    if (in.value->kind == Kind::map && !in.key) {
      take_key(in, value);
      return;
    }
    in.value->count += value->count;
    in.value->bytes += value->bytes + (in.key ? in.key->bytes : 0);
    in.value->depth = std::max(in.value->depth, value->depth + 1);
    if (in.value->bytes > max_yaml_text) {
      refuse(value->place, "there are more than " + std::to_string(max_yaml_text) +
                               " bytes of text here, aliases counted as what they stand for");
    }
    if (in.value->count > max_yaml_values) {
      refuse(value->place, "there are more than " + std::to_string(max_yaml_values) +
                               " values here, aliases counted as what they stand for");
    }
    if (static_cast<int>(open_.size()) + value->depth > max_yaml_depth) {
      refuse(value->place, "it is nested more than " + std::to_string(max_yaml_depth) + " deep");
    }
    if (in.value->kind == Kind::list) {
      in.value->items.push_back(value);
      return;
    }
    const Shared key = std::exchange(in.key, nullptr);
    in.value->members.push_back({.key = key->text, .place = key->place, .value = value});
  }

  static void take_key(Open& in, const Shared& key) {
    if (key->kind == Kind::list || key->kind == Kind::map) {
      refuse(key->place, "a key has to be text, not " + describe(*key) +
                             ": put quotes around text that begins with { or [");
    }
    in.key = key;
  }

  const std::string_view text_;
  std::vector<Open> open_ = {};
  std::map<YAML::anchor_t, Shared> anchors_ = {};
  Shared root_ = {};
};

YamlPlace place_at(std::string_view text, std::size_t at) {
  const std::string_view before = text.substr(0, at);
  const auto line = before.rfind('\n');
  const std::size_t column = line == std::string_view::npos ? at : at - line - 1;
  return {static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1,
          static_cast<int>(column) + 1};
}

// Nothing that the library would take for another encoding.
std::optional<YamlMistake> check_bytes(std::string_view text) {
  if (text.size() > max_yaml_bytes) {
    return YamlMistake{{},
                       "the file has " + std::to_string(text.size()) + " bytes, the limit is " +
                           std::to_string(max_yaml_bytes)};
  }
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = rules::utf8_length(text, at);
    const auto byte = static_cast<unsigned char>(text[at]);
    const bool control = byte < 0x20 && byte != '\n' && byte != '\r' && byte != '\t';
    if (length == 0 || control) {
      return YamlMistake{place_at(text, at), control ? "a control character has no place here"
                                                     : "the file is not UTF-8 here"};
    }
    at += length;
  }
  return std::nullopt;
}

// The library's words for the mistakes that people make.
std::string message_of(const YAML::Exception& e) {
  std::string text = "this is no YAML: " + e.msg;
  if (e.msg.find("end of map flow") != std::string::npos ||
      e.msg.find("end of sequence flow") != std::string::npos) {
    text += " (inside { } and [ ], text with a bracket, a brace or a comma in it needs quotes)";
  }
  return text;
}

// A tab looks like the spaces that it is not, and what the library says of it is no help.
YamlMistake mistake_of(const YAML::Exception& e, std::string_view text) {
  const YamlPlace place = e.mark.is_null() ? YamlPlace{} : place_of(e.mark);
  for (int line = 1; line < place.line; ++line) text.remove_prefix(text.find('\n') + 1);
  const std::size_t tab = text.find_first_not_of(' ');
  if (e.mark.is_null() || tab == std::string_view::npos || text[tab] != '\t') {
    return {place, message_of(e)};
  }
  return {{place.line, static_cast<int>(tab) + 1}, "a tab indents this line: use spaces"};
}

}  // namespace

Shared read_yaml(std::string_view text, YamlMistake& mistake) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  if (auto bad = check_bytes(text)) {
    mistake = *std::move(bad);
    return nullptr;
  }
  Builder builder(text);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    while (parser.HandleNextDocument(builder)) {
    }
  } catch (const Refused& refused) {
    mistake = refused.mistake;
    return nullptr;
  } catch (const YAML::Exception& e) {
    mistake = mistake_of(e, text);
    return nullptr;
  }
  if (!builder.root()) mistake = {{}, "the file is empty"};
  return builder.root();
}

}  // namespace penstock::flow
