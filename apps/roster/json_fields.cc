// SPDX-License-Identifier: MIT
#include "apps/roster/json_fields.h"

#include <utility>

namespace penstock::roster {
namespace {

const nlohmann::json& nothing() {
  static const nlohmann::json value;
  return value;
}

}  // namespace

Result<nlohmann::json> parse_json(std::string_view text) {
  bool too_deep = false;
  const auto guard = [&too_deep](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
    too_deep = too_deep || depth > max_json_depth;
    return !too_deep;
  };
  try {
    auto document = nlohmann::json::parse(text, guard);
    if (!too_deep) return document;
  } catch (const nlohmann::json::parse_error& error) {
    if (!too_deep) {
      return Error{Errc::invalid, "the input is not JSON: mistake at byte " +
                                      std::to_string(error.byte) + "; correct it there"};
    }
  } catch (const nlohmann::json::exception&) {
    return Error{Errc::invalid, "the input is JSON with a number that is out of range"};
  }
  return Error{Errc::invalid, "the input nests deeper than " + std::to_string(max_json_depth) +
                                  " levels; flatten it"};
}

std::string Field::path_to(std::string_view key) const {
  return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
}

bool Field::has(std::string_view key) const {
  if (!value_->is_object()) return false;
  const auto found = value_->find(key);
  return found != value_->end() && !found->is_null();
}

Field Field::operator[](std::string_view key) const {
  Field member(nothing(), *error_, path_to(key));
  if (!value_->is_object()) {
    fail(shown() + " is not an object; write {...}");
  } else if (!has(key)) {
    member.fail("is missing; add it");
  } else {
    member.value_ = &*value_->find(key);
  }
  return member;
}

std::vector<Field> Field::items(std::size_t most) const {
  std::vector<Field> items;
  if (failed()) return items;
  if (!value_->is_array()) {
    fail(shown() + " is not a list; write [...]");
  } else if (value_->size() > most) {
    fail("has " + std::to_string(value_->size()) + " elements; at most " + std::to_string(most) +
             " are read",
         Errc::too_large);
  } else {
    for (std::size_t i = 0; i < value_->size(); ++i) {
      items.push_back(Field((*value_)[i], *error_, path_ + "[" + std::to_string(i) + "]"));
    }
  }
  return items;
}

std::vector<Field> Field::items_of(std::string_view key) const {
  return has(key) ? (*this)[key].items() : std::vector<Field>{};
}

std::string Field::text() const {
  if (failed()) return {};
  if (!value_->is_string()) {
    fail(shown() + " is not text; write it in quotes");
    return {};
  }
  const auto& text = value_->get_ref<const std::string&>();
  if (text.empty() || text.size() > 200) {
    fail("has " + std::to_string(text.size()) + " bytes; use 1 to 200");
    return {};
  }
  return text;
}

std::string Field::text_of(std::string_view key, std::string_view fallback) const {
  if (!has(key)) return std::string(fallback);
  const Field member = (*this)[key];
  if (member.value_->is_string() && member.value_->get_ref<const std::string&>().empty()) {
    return std::string(fallback);
  }
  return member.text();
}

int Field::number(int least, int most) const {
  if (failed()) return least;
  if (!value_->is_number_integer()) {
    fail(shown() + " is not a whole number; write " + std::to_string(least) + " to " +
         std::to_string(most));
    return least;
  }
  const bool huge = value_->is_number_unsigned() && value_->get<std::uint64_t>() > 1'000'000'000;
  const auto number = huge ? std::int64_t{1'000'000'000} : value_->get<std::int64_t>();
  if (huge || number < least || number > most) {
    fail(shown() + " is out of range; use " + std::to_string(least) + " to " +
         std::to_string(most));
    return least;
  }
  return static_cast<int>(number);
}

bool Field::flag_of(std::string_view key, bool fallback) const {
  if (!has(key)) return fallback;
  const Field member = (*this)[key];
  if (!member.value_->is_boolean()) {
    member.fail(member.shown() + " is neither true nor false");
    return fallback;
  }
  return member.value_->get<bool>();
}

void Field::fail(const std::string& what, Errc code) const {
  if (failed()) return;
  *error_ = Error{code, (path_.empty() ? "the input" : path_) + ": " + what};
}

std::string Field::shown() const {
  if (value_->is_object()) return "an object";
  if (value_->is_array()) return "a list";
  const auto text = value_->dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
  return text.size() <= 40 ? text : text.substr(0, 40) + "...";
}

}  // namespace penstock::roster
