# SPDX-License-Identifier: MIT
"""How a file looks: licence line, #pragma once, to-do remarks, clang-format."""
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

from finding import Finding

LICENCE = "SPDX-License-Identifier: MIT"
CLANG_FORMAT = "clang-format-14"
_LICENSED = (".h", ".cc", ".py", ".cmake", ".sh", "dev", ".ci/run")
_REMARKED = (".h", ".cc", ".py", ".cmake", ".sh", ".sql", ".lua", "CMakeLists.txt", "dev")
_LEFT_OPEN = re.compile(r"\b(TODO(?!\(#\d+\): )|FIXME|XXX|HACK)\b")


def check(tree):
    findings = []
    for file in tree.files.values():
        if file.path.endswith(_LICENSED):
            findings += _licence(file)
        if file.path.endswith(_REMARKED) and not file.path.startswith("tools/lint/layout"):
            findings += _left_open(file)
        if file.path.endswith(".h") and "#pragma once" not in file.lines:
            findings.append(Finding(file.path, 1, "pragma-once", "a header without #pragma once",
                                    "add it under the opening comment"))
    return findings


def _licence(file):
    first = 2 if file.lines and file.lines[0].startswith("#!") else 1
    if len(file.lines) >= first and LICENCE in file.lines[first - 1]:
        return []
    return [Finding(file.path, first, "licence", "the licence line is missing",
                    f"begin the file with a comment: {LICENCE}")]


def _left_open(file):
    return [Finding(file.path, number, "todo", f"{match[1]} without an issue",
                    "do it, or write TODO(#number): and what")
            for number, line in enumerate(file.lines, 1) if (match := _LEFT_OPEN.search(line))]


def check_format(tree, memory):
    style = tree.files[".clang-format"].text
    unknown = {}
    for file in tree.cpp():
        digest = memory.digest("format", CLANG_FORMAT, style, file.text)
        if not memory.knows(digest):
            unknown[file.path] = digest
    paths = list(unknown)
    chunks = [paths[start:start + 12] for start in range(0, len(paths), 12)]
    findings = []
    with ThreadPoolExecutor() as pool:
        for found in pool.map(lambda chunk: _dry_run(tree.root, chunk), chunks):
            findings += found
    for path in unknown.keys() - {finding.path for finding in findings}:
        memory.add(unknown[path])
    return findings


def _dry_run(root, paths):
    """The first line of each file that clang-format would change."""
    run = subprocess.run([CLANG_FORMAT, "--dry-run", *paths], cwd=root, capture_output=True,
                         text=True)
    if run.returncode != 0:
        return [Finding(path, 1, "format", f"{CLANG_FORMAT} failed: {run.stderr.strip()[:200]}",
                        "./dev fmt") for path in paths]
    first = {}
    for path, line in re.findall(r"^(.+?):(\d+):\d+: warning: code should be clang-formatted",
                                 run.stderr, re.MULTILINE):
        first.setdefault(path, int(line))
    return [Finding(path, line, "format", "not formatted", "./dev fmt")
            for path, line in first.items()]
