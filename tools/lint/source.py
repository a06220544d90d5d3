# SPDX-License-Identifier: MIT
"""The files of the checkout as the checks see them: text, code without comments, includes."""
import re
import subprocess
from functools import cached_property
from pathlib import Path

# Everything in C++ whose inside is not code. A quote after a digit separates digits: 30'000.
_QUIET = re.compile(
    r'''(?P<raw>R"(?P<mark>[^()\\\s]{0,16})\(.*?\)(?P=mark)")'''
    r"""|(?P<line>//[^\n]*)|(?P<block>/\*.*?\*/)"""
    r'''|(?P<string>"(?:\\.|[^"\\\n])*")|(?P<char>(?<![0-9a-fA-F])'(?:\\.|[^'\\\n])+')''',
    re.DOTALL)
_INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*(<[^>\n]+>|"[^"\n]+")', re.MULTILINE)


def blank(text):
    """The same number of lines and columns, with nothing in them."""
    return re.sub(r"[^\n]", " ", text)


class File:
    def __init__(self, path, text):
        self.path = path
        self.text = text
        self.lines = text.split("\n")
        if self.lines[-1] == "":
            self.lines.pop()

    @property
    def is_cpp(self):
        return self.path.endswith((".h", ".cc"))

    @property
    def is_test(self):
        return self.path.startswith("tests/") or self.path.endswith("_test.cc")

    def line_at(self, offset):
        return self.text.count("\n", 0, offset) + 1

    @cached_property
    def code(self):
        """C++ with comments and the insides of strings blanked."""
        return _QUIET.sub(lambda match: blank(match[0]), self.text)

    @cached_property
    def uncommented(self):
        """C++ with comments blanked, strings kept."""
        def keep_strings(match):
            return blank(match[0]) if match["line"] or match["block"] else match[0]
        return _QUIET.sub(keep_strings, self.text)

    @cached_property
    def includes(self):
        """(line, `<x>` or `"x"`) of each #include."""
        return [(self.line_at(match.start(1)), match[1])
                for match in _INCLUDE.finditer(self.uncommented)]

    @cached_property
    def strings(self):
        """(line, contents) of each string literal that is not an include."""
        found = []
        for match in _QUIET.finditer(self.text):
            if match["string"]:
                line = self.line_at(match.start())
                if not self.lines[line - 1].lstrip().startswith("#"):
                    found.append((line, match["string"][1:-1]))
        return found


class Tree:
    """All files of the checkout that a person wrote, by path."""

    def __init__(self, files, root=None):
        self.root = root
        self.files = {path: File(path, text) for path, text in sorted(files.items())}

    @classmethod
    def of_git(cls, root):
        listing = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=root, check=True, capture_output=True, text=True).stdout
        files = {}
        for path in filter(None, listing.split("\0")):
            file = Path(root, path)
            if file.is_file():
                files[path] = file.read_text(encoding="utf-8", errors="replace")
        return cls(files, root)

    def cpp(self):
        return [file for file in self.files.values() if file.is_cpp]
