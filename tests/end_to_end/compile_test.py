# SPDX-License-Identifier: MIT
"""Flows in C++ that do not compile, and what the compiler is told to say of them."""
import os
import shutil
import subprocess
import unittest

MISTAKES = r"""
#include <penstock/async.h>
#include <penstock/flow.h>
using namespace penstock;

struct NoNode { json exec(const json&) { return 1; } };
struct Fixed : Node { Fixed() = default; Fixed(const Fixed&) = delete; };
struct Prep : Node { json prep(const Shared&) { return 1; } };
struct Exec : Node { json exec(json) { return 1; } };
struct Fallback : BatchNode { json exec_fallback(const json&) { return 1; } };
struct Post : Node { std::string post(Shared&, json, json) { return "x"; } };
struct Waits : AsyncNode { Awaitable<json> exec(const json&, AsyncContext) { co_return 1; } };
struct Opaque { int* p; };

void mistakes(Flow& flow, Tasks& tasks) {
  flow.node("a", NoNode{});
  flow.node<Fixed>("b", {});
  flow.node("c", Prep{});
  flow.node("d", Exec{});
  flow.parallel_batch("e", Fallback{}, {});
  flow.node("f", Post{});
  flow.node("g", Waits{});
  flow.task("h", [](auto x) { return x; }, {"x"});
  flow.task("i", [](Opaque) {}, {"x"});
  flow.task("j", [] { return Opaque{}; });
  flow.task("k", []() -> Awaitable<int> { co_return 1; });
  flow.map("l", "$.input", [] {});
  flow.map("m", "$.input", [](Opaque) {});
  flow.task("n", [] {}).undo([](int) {});
  flow.batch_flow("o", flow, [](Shared&) {});
  flow.parallel_batch("p", Exec{}, {});
  tasks.add("q", [](auto x) { return x; });
}
"""

SAID = [
    "a node is a class derived from Node, BatchNode",
    "a node is copied for each job that runs it",
    "this prep hides that of its base instead of overriding it",
    "this exec hides that of its base instead of overriding it",
    "this exec_fallback hides that of its base instead of overriding it",
    "this post hides that of its base instead of overriding it",
    "what parameters this function has cannot be known",
    "a parameter of this function is no type that JSON converts to",
    "the result of this function is no type that converts to JSON",
    "a task of a flow cannot be waited for",
    "the function of a map takes one item",
    "an undo is called with a Shared&",
    "the sets of a batch flow are a function of a Shared& that returns",
    "a batch is a class derived from BatchNode",
]

RIGHT = r"""
#include <penstock/async.h>
#include <penstock/flow.h>
#include <functional>
using namespace penstock;

struct Plain : Node {
  json prep(Shared&) override { return 1; }
  json exec(const json&) noexcept override { return 1; }
};
struct Derived : Plain {
  std::string post(Shared&, const json&, const json&) override { return ""; }
};
struct Waits : AsyncNode { Awaitable<json> exec(json, AsyncContext) override { co_return 1; } };
struct Batch : BatchNode {};
struct Functor { int operator()(int n, Shared&) const { return n; } };
int twice(int n) { return 2 * n; }

void rights(Flow& flow, Tasks& tasks) {
  flow.node("a", Plain{});
  flow.node("b", Derived{});
  flow.node("c", Waits{});
  flow.parallel_batch("d", Batch{}, {});
  flow.task("e", [](int n) noexcept { return n; }, {"n"});
  flow.task("f", [n = 0](const json& x, const std::vector<std::string>&) mutable { n = x.size(); },
            {"x", "y"});
  flow.task("g", Functor{}, {"n"});
  flow.task("h", twice, {"n"});
  flow.task("i", std::function<int(int)>(twice), {"n"});
  flow.map("j", "$.input", [](std::string s, Shared&) { return s; });
  flow.task("k", [] {}).undo([](auto&) {});
  flow.batch_flow("l", flow, [](Shared&) { return json::array(); });
  tasks.add("m", [](int n) noexcept { return n; });
}
"""


def compiler():
    return shutil.which(os.environ.get("CXX", "c++")) or shutil.which("g++")


class Compiling(unittest.TestCase):
    def said_of(self, source):
        include = os.path.join(os.environ["PENSTOCK_SOURCE_DIR"], "include")
        ended = subprocess.run(
            [compiler(), "-std=c++20", "-fsyntax-only", "-fmax-errors=0", "-I", include,
             "-x", "c++", "-"],
            input=source, text=True, capture_output=True, timeout=120, check=False)
        return ended.stderr

    def test_likely_mistakes_are_told_in_a_sentence(self):
        told = self.said_of(MISTAKES)
        missing = [sentence for sentence in SAID if sentence not in told]
        self.assertEqual(missing, [], told[:4000])

    def test_what_is_right_compiles(self):
        told = self.said_of(RIGHT)
        self.assertNotIn("error", told)
