// SPDX-License-Identifier: MIT
//
// A node of three functions, so that a test can say in place what it does.
#pragma once

#include <penstock/node.h>

#include <functional>
#include <string>
#include <utility>

namespace penstock::testing {

struct Step : Node {
  std::function<json(Shared&)> prepares = [](Shared&) { return json(); };
  std::function<json(const json&)> executes = [](const json&) { return json(); };
  std::function<std::string(Shared&, const json&, const json&)> posts =
      [](Shared&, const json&, const json&) { return "default"; };

  json prep(Shared& shared) override { return prepares(shared); }
  json exec(const json& prepared) override { return executes(prepared); }
  std::string post(Shared& shared, const json& prepared, const json& result) override {
    return posts(shared, prepared, result);
  }
};

inline Step acting(std::function<std::string(Shared&)> act) {
  Step step;
  step.posts = [act = std::move(act)](Shared& shared, const json&, const json&) {
    return act(shared);
  };
  return step;
}

}  // namespace penstock::testing
