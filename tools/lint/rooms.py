# SPDX-License-Identifier: MIT
"""Who may include whom: the tables of ARCHITECTURE.md against every #include."""
import fnmatch
import re

from finding import Finding

PLAN = "ARCHITECTURE.md"
TEST_SUPPORT = "tests/support"

# Headers through which a room that only decides could touch the world.
_IMPURE = {"condition_variable", "ctime", "filesystem", "fstream", "future", "iostream",
           "mutex", "random", "semaphore", "shared_mutex", "stop_token", "thread"}
_STORE_WORDS = re.compile(r"redis|sqlite|\blua\b|\bsql\b", re.IGNORECASE)
_ABOVE_THE_SEAM = ("include/", "src/rules/", "src/worker/", "src/upkeep/", "src/client/",
                   "src/flow/", "src/http/", "src/cli/", "src/store/store.h")


def table(text, first_column):
    """The rows, as lists of cells, of the markdown table whose first heading is `first_column`."""
    rows, inside = [], False
    for line in text.split("\n"):
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|"):
            inside = False
        elif cells[0] == first_column:
            inside = True
        elif inside and not set(cells[0]) <= {"-", " ", ":"}:
            rows.append(cells)
    return rows


def ticked(cell):
    return re.findall(r"`([^`]+)`", cell)


class Plan:
    """The two tables of ARCHITECTURE.md."""

    def __init__(self, text):
        self.rooms = {}  # Path -> what it may include, or None for everything.
        for row in table(text, "room"):
            for room in ticked(row[0]):
                self.rooms[room] = None if row[2] == "everything" else set(ticked(row[2]))
        self.libraries = [
            (row[0], ticked(row[1]), ticked(row[2]), row[2].startswith("one file of"))
            for row in table(text, "library")]

    def room_of(self, path):
        """The room with the longest path that holds the file; None when there is none."""
        holding = [room for room in self.rooms if path == room or path.startswith(room + "/")]
        return max(holding, key=len, default=None)


def check(tree):
    if PLAN not in tree.files:
        return [Finding(PLAN, 1, "include", "there is no ARCHITECTURE.md", "write its tables")]
    plan = Plan(tree.files[PLAN].text)
    findings, users = [], {}
    for file in tree.cpp():
        room = plan.room_of(file.path)
        if room is None:
            findings.append(Finding(file.path, 1, "include", "this folder is no room",
                                    f"move the file, or add a row to the table in {PLAN}"))
            continue
        for line, name in file.includes:
            target = resolve(tree, name)
            if target:
                problem = _forbidden(plan, file, room, target)
            elif name.startswith('"'):
                problem = (f"{name} names no file of this checkout",
                           'write the path from src/, "store/store.h", or from the top')
            else:
                problem = _library(plan, file, room, name[1:-1], users, line)
            if problem:
                findings.append(Finding(file.path, line, "include", *problem))
    return findings + _many_users(users)


def resolve(tree, name):
    """The path of the file that a project include means; None for the headers of others."""
    inner = name[1:-1]
    if name.startswith("<"):
        return f"include/{inner}" if inner.startswith("penstock/") else None
    for path in (f"src/{inner}", inner):
        if path in tree.files:
            return path
    if not inner.endswith(".gen.h"):
        return None
    return inner if inner.startswith("apps/") else f"src/{inner}"  # Written by the build.


def _forbidden(plan, file, room, target):
    if file.is_test and (target.startswith(TEST_SUPPORT) or file.path.startswith("tests/")):
        return None
    theirs = plan.room_of(target)
    allowed = plan.rooms[room]
    if allowed is None or theirs == room or theirs in allowed or target in allowed:
        return None
    return (f"{room} may not include {theirs or target}",
            "move the code to the room that may, or pass the value in")


def _library(plan, file, room, header, users, line):
    for library, prefixes, places, single in plan.libraries:
        if not header.startswith(tuple(prefixes)):
            continue
        if single and file.path.startswith(tuple(place + "/" for place in places)):
            users.setdefault(library, []).append((file.path, line))
            return None
        if any(file.path == place or file.path.startswith(place + "/")
               or fnmatch.fnmatch(file.path, place) for place in places):
            return None
        return (f"<{header}> of {library} is kept in {', '.join(places)}",
                "go through that file, or change the table of libraries in ARCHITECTURE.md")
    if room == "src/rules" and not file.is_test and (header in _IMPURE or header.endswith(".h")):
        return (f"<{header}> lets a decision touch the world", "take what it gives as an argument")
    if "/" in header and not header.startswith(("sys/", "linux/", "netinet/", "arpa/")):
        return (f"<{header}> belongs to no library that is listed",
                "add a row to the table of libraries in ARCHITECTURE.md")
    return None


def _many_users(users):
    return [Finding(path, line, "include", f"{library} is used in another file too: {uses[0][0]}",
                    "keep it in one file")
            for library, uses in users.items()
            for path, line in sorted(set(uses)) if path != uses[0][0]]


def check_words(tree):
    """No word of a particular store above the seam, not even in a comment."""
    findings = []
    for file in tree.cpp():
        if not file.path.startswith(_ABOVE_THE_SEAM) or file.is_test:
            continue
        for number, line in enumerate(file.lines, 1):
            match = _STORE_WORDS.search(line)
            if match:
                findings.append(Finding(
                    file.path, number, "store-words", f'"{match[0]}" above the store seam',
                    "say what the seam says; in help text add `// lint: store-words, help`"))
    return findings
