# SPDX-License-Identifier: MIT
import unittest

import rooms
from source import Tree

PLAN = """
| room | it | may include | not |
| --- | --- | --- | --- |
| `include/penstock` | is | nothing else | |
| `src/rules` | decides | `include/penstock` | |
| `src/store` | remembers | `include/penstock` `src/rules` | |
| `src/store/sqlite` | remembers | `src/store` `src/rules` | |
| `src/store/open.cc` | opens | everything | |
| `src/worker` | runs | `src/store` | |
| `tests` | proves | everything | |

| library | headers | only in |
| --- | --- | --- |
| SQLite | `sqlite3.h` | `src/store/sqlite` |
| GoogleTest | `gtest/` | `tests` `*_test.cc` |
| spdlog | `spdlog/` | one file of `src` |
"""


def tree(**files):
    paths = {name.replace("__", "/").replace("_dot_", "."): text for name, text in files.items()}
    return Tree({"ARCHITECTURE.md": PLAN, "src/store/store.h": "", "src/store/sqlite/page.h": "",
                 "include/penstock/job.h": "", "tests/support/temp_dir.h": "", **paths})


def problems(path, *includes):
    text = "".join(f"#include {name}\n" for name in includes)
    files = tree()
    return [(f.line, f.what) for f in rooms.check(Tree(
        {**{p: f.text for p, f in files.files.items()}, path: text}))]


class RoomsTest(unittest.TestCase):
    def test_a_room_includes_what_its_row_lists(self):
        self.assertEqual(problems("src/worker/pump.cc", '"store/store.h"', "<string>"), [])

    def test_a_room_may_not_include_what_its_row_does_not_list(self):
        self.assertEqual(problems("src/rules/retry.cc", "<string>", '"store/store.h"'),
                         [(2, "src/rules may not include src/store")])

    def test_a_subfolder_with_its_own_row_is_another_room(self):
        self.assertEqual(problems("src/worker/pump.cc", '"store/sqlite/page.h"'),
                         [(1, "src/worker may not include src/store/sqlite")])

    def test_a_row_may_free_a_single_file(self):
        self.assertEqual(problems("src/store/open.cc", '"store/sqlite/page.h"'), [])

    def test_public_headers_are_reached_through_angle_brackets(self):
        self.assertEqual(problems("src/rules/retry.cc", "<penstock/job.h>"), [])
        self.assertEqual(len(problems("src/rules/retry.cc", '"penstock/job.h"')), 1)

    def test_libraries_stay_in_their_files(self):
        self.assertEqual(problems("src/store/sqlite/page.cc", "<sqlite3.h>"), [])
        self.assertEqual(len(problems("src/worker/pump.cc", "<sqlite3.h>")), 1)

    def test_an_unlisted_library_is_reported(self):
        self.assertEqual(len(problems("src/worker/pump.cc", "<boost/asio.hpp>")), 1)
        self.assertEqual(problems("src/worker/pump.cc", "<sys/mman.h>"), [])

    def test_a_library_of_one_file_may_not_have_two(self):
        found = rooms.check(tree(**{"src__worker__a_dot_cc": "#include <spdlog/a.h>\n",
                                    "src__worker__b_dot_cc": "#include <spdlog/a.h>\n"}))
        self.assertEqual([f.path for f in found], ["src/worker/b.cc"])

    def test_tests_may_use_test_libraries_and_support(self):
        self.assertEqual(problems("src/worker/pump_test.cc", "<gtest/gtest.h>",
                                  '"tests/support/temp_dir.h"'), [])

    def test_rules_touch_no_clock_thread_or_file(self):
        self.assertEqual(len(problems("src/rules/retry.cc", "<thread>", "<unistd.h>")), 2)

    def test_a_file_outside_all_rooms_is_reported(self):
        self.assertEqual(problems("src/attic/x.cc"), [(1, "this folder is no room")])

    def test_includes_in_comments_do_not_count(self):
        found = rooms.check(tree(src__rules__a_dot_cc='// #include "store/store.h"\n'))
        self.assertEqual(found, [])

    def test_store_words_are_seen_above_the_seam_even_in_comments(self):
        found = rooms.check_words(tree(src__worker__a_dot_cc="int a;\n// like Redis does\n",
                                       src__worker__a_test_dot_cc="sqlite",
                                       src__store__sqlite__a_dot_cc="sqlite"))
        self.assertEqual([(f.path, f.line) for f in found], [("src/worker/a.cc", 2)])


if __name__ == "__main__":
    unittest.main()
