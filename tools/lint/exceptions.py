# SPDX-License-Identifier: MIT
"""Findings that are allowed: by exceptions.toml, or by a remark on the line itself.

A remark reads `// lint: store-words, what the reason is`. An exception that allows nothing any more
is itself a finding.
"""
import fnmatch
import re
import tomllib

from finding import Finding

LIST = "tools/lint/exceptions.toml"
_REMARK = re.compile(r"lint: ([a-z-]+), \S")


def apply(tree, findings):
    """The findings that remain."""
    listed, faults = _read(tree)
    remaining = []
    used = set()
    for finding in findings:
        text = _line(tree, finding)
        remark = _REMARK.search(text)
        if remark and remark[1] == finding.check:
            continue
        matches = [i for i, one in enumerate(listed) if _allows(one, finding, text)]
        used.update(matches)
        if not matches:
            remaining.append(finding)
    for i, one in enumerate(listed):
        if i not in used:
            faults.append(Finding(LIST, _find(tree, one["path"]), "exceptions",
                                  f"nothing needs the exception {one['check']} of {one['path']}",
                                  "remove it"))
    return remaining + faults


def _read(tree):
    if LIST not in tree.files:
        return [], []
    listed, faults = [], []
    for one in tomllib.loads(tree.files[LIST].text).get("exception", []):
        if {"check", "path", "reason"} <= one.keys() <= {"check", "path", "reason", "containing"}:
            listed.append(one)
        else:
            faults.append(Finding(LIST, _find(tree, one.get("path", "exception")), "exceptions",
                                  f"not an exception: {one}",
                                  "give check, path, reason, and perhaps containing"))
    return listed, faults


def _allows(one, finding, text):
    return (one["check"] == finding.check and fnmatch.fnmatch(finding.path, one["path"])
            and (one.get("containing", "") in text or one.get("containing", "") in finding.what))


def _line(tree, finding):
    file = tree.files.get(finding.path)
    if file is None or not 1 <= finding.line <= len(file.lines):
        return ""
    return file.lines[finding.line - 1]


def _find(tree, text):
    for number, line in enumerate(tree.files[LIST].lines, 1):
        if text in line:
            return number
    return 1
