// SPDX-License-Identifier: MIT
//
// JSON of runs: values that are handed on as the text they are.
#pragma once

#include <penstock/result.h>

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::rules {

/// An object's members, each as JSON text. Errors: invalid (no object).
Result<std::map<std::string, std::string>> read_raw_object(std::string_view json);
std::string write_raw_object(const std::map<std::string, std::string>& members);
/// What a key of a run's shared store may have, at least 1.
inline constexpr std::size_t max_key_bytes = 256;
/// The members of a run's input are keys of its store from the start. Errors: invalid.
Result<void> check_input_keys(std::string_view input);

/// A list's items, each as JSON text. Errors: invalid (no list).
Result<std::vector<std::string>> read_raw_list(std::string_view json);

/// A value of a list that belongs before all that is there; in the store it lies behind, like any.
std::string to_the_front(std::string value);

/// A list: what is there (of one that is no list, itself), and `values` behind or before it.
std::string append_raw(const std::optional<std::string>& before,
                       const std::vector<std::string>& values);

}  // namespace penstock::rules
