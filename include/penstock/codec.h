// SPDX-License-Identifier: MIT
//
// How a user's type becomes JSON text and back. Engine headers carry payloads as text and reach a
// type only through Codec, so that including them costs no JSON library. <penstock/json.h>
// specialises it for everything that nlohmann::json converts; a program may specialise it for its
// own types instead.
#pragma once

#include <penstock/result.h>

#include <string>
#include <string_view>
#include <type_traits>

namespace penstock {

/// The conversion of one type. A specialisation has
///   static Result<std::string> encode(const T&);       JSON text, or Errc::invalid
///   static Result<T> decode(std::string_view json);    Errc::invalid, naming the field
template <class T, class = void>
struct Codec {
  static_assert(!std::is_same_v<T, T>,
                "no Codec for this type: include <penstock/json.h>, or specialise penstock::Codec");
};

/// JSON text as it is, neither parsed nor checked here (the engine checks it on submit).
struct RawJson {
  std::string text = "null";
  friend bool operator==(const RawJson&, const RawJson&) = default;
};

template <>
struct Codec<RawJson> {
  static Result<std::string> encode(const RawJson& json) { return json.text; }
  static Result<RawJson> decode(std::string_view json) { return RawJson{std::string(json)}; }
};

}  // namespace penstock
