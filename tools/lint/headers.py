# SPDX-License-Identifier: MIT
"""Every header compiles on its own, so that the order of includes never matters.

The precompiled headers of the build would hide a missing include; here nothing is precompiled. A
public header is looked at again when anything of the project that it includes changes, a private
one only when it changes itself.
"""
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor

from finding import Finding
from rooms import resolve

_COMMAND = ["/usr/bin/g++", "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Isrc", "-Iinclude",
            "-I.", "-isystem", "/usr/include/coin", "-fmax-errors=1", "-x", "c++", "/dev/null",
            "-include"]


def check(tree, memory):
    unknown = {}
    for file in tree.cpp():
        if not file.path.endswith(".h"):
            continue
        digest = memory.digest("self-contained", " ".join(_COMMAND), file.path, _inputs(tree, file))
        if not memory.knows(digest):
            unknown[file.path] = digest
    findings = []
    with ThreadPoolExecutor() as pool:
        compiled = pool.map(lambda path: (path, _compile(tree.root, path)), unknown)
        for path, error in compiled:
            if error:
                findings.append(Finding(path, *error))
            else:
                memory.add(unknown[path])
    return findings


def _inputs(tree, file):
    if not file.path.startswith("include/"):
        return file.text
    seen, todo = set(), [file.path]
    while todo:
        path = todo.pop()
        if path in tree.files and path not in seen:
            seen.add(path)
            todo += [target for _, name in tree.files[path].includes
                     if (target := resolve(tree, name))]
    return "\0".join(tree.files[path].text for path in sorted(seen))


def _compile(root, path):
    """None, or (line, check, what, mend)."""
    run = subprocess.run([*_COMMAND, path], cwd=root, capture_output=True, text=True)
    if run.returncode == 0:
        return None
    error = re.search(r"^(.+?):(\d+):\d+: (?:fatal )?error: (.+)$", run.stderr, re.MULTILINE)
    if not error:
        return (1, "self-contained", run.stderr.strip()[:200], "see g++")
    where = "" if error[1] == path else f" (in {error[1]}:{error[2]})"
    line = int(error[2]) if error[1] == path else 1
    return (line, "self-contained", f"does not compile on its own: {error[3]}{where}",
            "include what it uses")
