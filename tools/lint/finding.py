# SPDX-License-Identifier: MIT
"""What a check reports: where, what, and how to mend it, on one line."""
from dataclasses import dataclass, field


@dataclass(order=True, frozen=True)
class Finding:
    path: str
    line: int
    check: str = field(compare=False)  # The word that exceptions.toml and `lint:` remarks use.
    what: str
    mend: str = field(compare=False)

    def __str__(self):
        return f"{self.path}:{self.line}: {self.what} [{self.check}]; mend: {self.mend}"
