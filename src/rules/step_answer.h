// SPDX-License-Identifier: MIT
//
// What a step that is a program or a plain task says to its run: in the object that it answers
// with, since it has no other way. `{"$action": "again"}` names the action that picks the edge;
// `{"$shared": {"set": {KEY: JSON}, "add": {KEY: NUMBER}, "append": {KEY: JSON}, "prepend": {KEY:
// JSON}, "erase": [KEY]}}` writes to the shared store, with the step's end or not at all.
// docs/flows-yaml.md tells users.
#pragma once

#include <penstock/result.h>

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace penstock::rules {

struct StepAnswer {
  std::string action = "default";
  std::map<std::string, std::string> set = {}, add = {}, append = {},
                                     prepend = {};  ///< JSON texts.
  std::vector<std::string> erase = {};
};
/// Of a result, as JSON text. Errors: invalid, naming the member that is not as it has to be.
Result<StepAnswer> read_step_answer(std::string_view result);

}  // namespace penstock::rules
