# SPDX-License-Identifier: MIT
"""The house rules that no compiler checks: `./dev lint`.

Each check is a function from the tree to findings, in a file named for what it looks at. Tables of
what is allowed stand in ARCHITECTURE.md, exceptions with their reasons in exceptions.toml.
"""
import sys
from pathlib import Path

import budgets
import calls
import exceptions
import headers
import layout
import names
import rooms
import scripts
from memory import Memory
from source import Tree

CHECKS = [rooms.check, rooms.check_words, budgets.check, names.check, calls.check, layout.check,
          scripts.check]
# These remember what they found clean.
SLOW_CHECKS = [layout.check_format, headers.check, scripts.check_compiled]


def main():
    root = Path(__file__).resolve().parents[2]
    tree = Tree.of_git(root)
    memory = Memory(root / "build" / ".lint")
    findings = [finding for check in CHECKS for finding in check(tree)]
    findings += [finding for check in SLOW_CHECKS for finding in check(tree, memory)]
    memory.save()
    findings = exceptions.apply(tree, findings)
    for finding in sorted(findings):
        print(finding)
    print(f"lint: {len(tree.files)} files, {len(findings)} findings", file=sys.stderr)
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
