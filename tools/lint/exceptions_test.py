# SPDX-License-Identifier: MIT
import unittest

import exceptions
from finding import Finding
from source import Tree

ENTRY = '[[exception]]\ncheck = "file-length"\npath = "src/*.cc"\nreason = "a table"\n'


def remaining(listed, finding, line="x"):
    tree = Tree({exceptions.LIST: listed, finding.path: line + "\n"})
    return [one.check for one in exceptions.apply(tree, [finding])]


class ExceptionsTest(unittest.TestCase):
    long_file = Finding("src/a.cc", 1, "file-length", "500 lines", "split it")

    def test_a_listed_finding_is_dropped(self):
        self.assertEqual(remaining(ENTRY, self.long_file), [])

    def test_another_check_or_path_is_not(self):
        other = Finding("src/a.h", 1, "file-length", "500 lines", "split it")
        self.assertEqual(remaining(ENTRY, other), ["file-length", "exceptions"])

    def test_containing_narrows_it_to_a_line_or_a_text(self):
        narrow = ENTRY + 'containing = "table"\n'
        self.assertEqual(remaining(narrow, self.long_file, "a table"), [])
        self.assertEqual(remaining(narrow, self.long_file), ["file-length", "exceptions"])

    def test_an_exception_that_nothing_needs_is_reported(self):
        self.assertEqual(remaining(ENTRY, Finding("a.h", 1, "todo", "x", "y")),
                         ["todo", "exceptions"])

    def test_an_exception_without_reason_is_reported(self):
        bare = ENTRY.replace('reason = "a table"\n', "")
        self.assertEqual(remaining(bare, self.long_file), ["file-length", "exceptions"])

    def test_a_remark_on_the_line_allows_its_check_when_it_says_why(self):
        self.assertEqual(remaining("", self.long_file, "x  // lint: file-length, a table"), [])
        self.assertEqual(remaining("", self.long_file, "x  // lint: file-length"), ["file-length"])


if __name__ == "__main__":
    unittest.main()
