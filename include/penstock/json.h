// SPDX-License-Identifier: MIT
//
// Codec for every type that nlohmann::json converts: numbers, strings, containers, and structs with
// NLOHMANN_DEFINE_TYPE_*. Text is checked for depth before it is parsed, because the library's copy
// and dump recurse. Costs 2.6 s of compile time a file; include it where payloads are typed.
#pragma once

#include <penstock/codec.h>

#include <nlohmann/json.hpp>

#include <cstdint>
#include <limits>
#include <type_traits>

namespace penstock {

using json = nlohmann::json;

/// Parses JSON text of at most 64 levels. Errors: invalid, with the place.
Result<json> parse_json(std::string_view text);

/// JSON text of a value. Errors: invalid, with what it holds that JSON does not have, and where:
/// NaN and infinity (the library writes null), text that is not UTF-8, more than 64 levels.
Result<std::string> write_json(const json& value);

/// How an error goes on of a value that does not fit a type: `must be text, but is the number 5`.
/// `wanted` may be empty; `told` is what the library said.
std::string misfit(std::string_view wanted, const json& value, std::string_view told);

namespace detail {

/// What a value of T is called in errors; empty: it is a type of the user's own.
template <class T>
constexpr std::string_view json_kind() {
  if constexpr (std::is_same_v<T, bool>) {
    return "true or false";
  } else if constexpr (std::is_integral_v<T>) {
    return "a whole number";
  } else if constexpr (std::is_floating_point_v<T>) {
    return "a number";
  } else if constexpr (std::is_convertible_v<T, std::string_view>) {
    return "text";
  } else {
    return {};
  }
}

/// Whether it is a whole number, 5.0 among them, from `least` to `most`.
bool is_whole(const json& value, std::int64_t least, std::uint64_t most);

/// The library cuts 1.5 down to 1, and takes true for 1; here neither fits.
template <class T>
bool fits(const json& value) {
  if constexpr (std::is_integral_v<T> && !std::is_same_v<T, bool>) {
    return is_whole(value, static_cast<std::int64_t>(std::numeric_limits<T>::min()),
                    static_cast<std::uint64_t>(std::numeric_limits<T>::max()));
  } else if constexpr (std::is_floating_point_v<T>) {
    return value.is_number();
  } else {
    return true;
  }
}

}  // namespace detail

template <class T>
struct Codec<T, std::void_t<decltype(json(std::declval<const T&>()))>> {
  static Result<std::string> encode(const T& value) {
    std::string why;
    try {
      auto text = write_json(json(value));
      if (text) return text;
      why = text.error().message;
    } catch (const json::exception& e) {  // Of the type's own conversion.
      why = e.what();
    }
    return Error{Errc::invalid, "value cannot be written as JSON: " + why};
  }

  static Result<T> decode(std::string_view text) {
    auto parsed = parse_json(text);
    if (!parsed) return std::move(parsed).error();
    if (!detail::fits<T>(*parsed)) {
      return Error{Errc::invalid, misfit(detail::json_kind<T>(), *parsed, "")};
    }
    try {
      return parsed->template get<T>();
    } catch (const json::exception& e) {
      return Error{Errc::invalid, misfit(detail::json_kind<T>(), *parsed, e.what())};
    }
  }
};

}  // namespace penstock
