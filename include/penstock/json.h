// SPDX-License-Identifier: MIT
//
// Codec for every type that nlohmann::json converts: numbers, strings, containers, and structs with
// NLOHMANN_DEFINE_TYPE_*. Text is checked for depth before it is parsed, because the library's copy
// and dump recurse. Costs 2.6 s of compile time a file; include it where payloads are typed.
#pragma once

#include <penstock/codec.h>

#include <nlohmann/json.hpp>

namespace penstock {

using json = nlohmann::json;

/// Parses JSON text of at most 64 levels. Errors: invalid, with the place.
Result<json> parse_json(std::string_view text);

template <class T>
struct Codec<T, std::void_t<decltype(json(std::declval<const T&>()))>> {
  static Result<std::string> encode(const T& value) {
    try {
      return json(value).dump();
    } catch (const json::exception& e) {  // Text that is not UTF-8, mostly.
      return Error{Errc::invalid, std::string("value cannot be written as JSON: ") + e.what()};
    }
  }

  static Result<T> decode(std::string_view text) {
    auto parsed = parse_json(text);
    if (!parsed) return std::move(parsed).error();
    try {
      return parsed->template get<T>();
    } catch (const json::exception& e) {  // The library's text names the field or the type.
      return Error{Errc::invalid, std::string("JSON does not fit the expected type: ") + e.what()};
    }
  }
};

}  // namespace penstock
