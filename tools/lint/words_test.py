# SPDX-License-Identifier: MIT
"""Tests of the checks that look at words: names, calls, states, licence, to-do remarks."""
import unittest

import calls
import layout
import names
from source import Tree


def found(check, path, text):
    return [(f.line, f.check) for f in check(Tree({path: text}))]


class NamesTest(unittest.TestCase):
    def test_paths_that_say_nothing_are_reported(self):
        for path in ("src/util/a.h", "src/worker/job_helpers.cc", "tests/common.py"):
            self.assertEqual(found(names.check, path, ""), [(1, "name")], path)
        self.assertEqual(found(names.check, "src/worker/database.cc", ""), [])

    def test_types_that_say_nothing_are_reported(self):
        for text in ("class JobManager {", "struct WorkerInfo;", "enum class DataKind {",
                     "using BaseJob = int;", "namespace util {"):
            self.assertEqual(found(names.check, "src/a.h", text), [(1, "name")], text)

    def test_the_users_handler_and_a_pimpl_may_be_called_so(self):
        self.assertEqual(found(names.check, "src/a.h", "struct Impl;\nusing Handler = int;"), [])

    def test_uses_of_foreign_types_are_no_declarations(self):
        self.assertEqual(found(names.check, "src/a.h", "class Stop : public CbcEventHandler {"), [])


class CallsTest(unittest.TestCase):
    def test_going_around_the_clock_is_reported(self):
        text = "auto t = std::chrono::steady_clock::now();\nstd::this_thread::sleep_for(x);\n"
        self.assertEqual(found(calls.check, "src/worker/a.cc", text), [(1, "call"), (2, "call")])
        self.assertEqual(found(calls.check, "src/store/clock.cc", text), [(2, "call")])

    def test_threads_are_joined(self):
        self.assertEqual(found(calls.check, "src/a.cc", "std::thread t(f);\nt.detach();"),
                         [(2, "call"), (1, "call")])
        self.assertEqual(found(calls.check, "src/a.cc",
                               "std::jthread t; std::thread::hardware_concurrency();"), [])

    def test_words_in_comments_and_strings_are_no_calls(self):
        self.assertEqual(found(calls.check, "src/a.cc", '// usleep(1)\nauto a = "rand()";'), [])

    def test_value_that_throws_is_for_users_only(self):
        self.assertEqual(found(calls.check, "src/a.cc", "x.value();"), [(1, "call")])
        self.assertEqual(found(calls.check, "examples/a.cc", "x.value();"), [])

    def test_states_are_spelled_in_one_place(self):
        text = 'if (state == "running") go("running late");'
        self.assertEqual(found(calls.check, "src/cli/a.cc", text), [(1, "state-text")])
        self.assertEqual(found(calls.check, "src/rules/job_state.cc", text), [])
        self.assertEqual(found(calls.check, "src/cli/a_test.cc", text), [])


class LayoutTest(unittest.TestCase):
    def test_the_licence_comes_first_or_after_the_interpreter(self):
        line = "# SPDX-License-Identifier: MIT\n"
        self.assertEqual(found(layout.check, "a.py", line), [])
        self.assertEqual(found(layout.check, "dev", "#!/usr/bin/env bash\n" + line), [])
        self.assertEqual(found(layout.check, "a.py", "import re\n" + line), [(1, "licence")])

    def test_headers_say_pragma_once(self):
        text = "// SPDX-License-Identifier: MIT\n"
        self.assertEqual(found(layout.check, "src/a.h", text), [(1, "pragma-once")])
        self.assertEqual(found(layout.check, "src/a.h", text + "#pragma once\n"), [])

    def test_what_is_left_open_names_its_issue(self):
        word = "TO" + "DO"
        text = f"// SPDX-License-Identifier: MIT\n// {word}(#12): soon\n// {word}: some day\n"
        self.assertEqual(found(layout.check, "src/a.cc", text), [(3, "todo")])


if __name__ == "__main__":
    unittest.main()
