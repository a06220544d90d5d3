# SPDX-License-Identifier: MIT
"""Names that say nothing, of files, folders, types and namespaces."""
import re

from finding import Finding

_EMPTY = {"base", "common", "data", "handler", "helper", "impl", "info", "manager", "misc",
          "processor", "service", "util", "wrapper"}
_MEND = "name it for what it is or does; test: can that be said without repeating the name?"
_TYPE = re.compile(
    r"\b(?:class|struct|union|enum\s+class|enum|concept|namespace)\s+(?:\[\[[^\]]*\]\]\s*)?"
    r"([A-Za-z_]\w*)(?=[\s:;{=]|$)|\busing\s+([A-Za-z_]\w*)\s*=")
_ALLOWED_TYPES = {"Impl", "Handler"}  # A pimpl; and the user's job handler.


def empty_word(words):
    """The first word that says nothing, or None. Plurals count."""
    for word in words:
        lower = word.lower()
        if lower in _EMPTY or (lower.endswith("s") and lower[:-1] in _EMPTY):
            return word
    return None


def words_of_type(name):
    return re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z0-9]+", name)


def check(tree):
    findings = []
    for file in tree.files.values():
        word = empty_word(re.split(r"[/_.\-]", file.path))
        if word:
            what = f'"{word}" in a path says nothing'
            findings.append(Finding(file.path, 1, "name", what, _MEND))
        if file.is_cpp:
            for match in _TYPE.finditer(file.code):
                name = match[1] or match[2]
                word = None if name in _ALLOWED_TYPES else empty_word(words_of_type(name))
                if word:
                    findings.append(Finding(file.path, file.line_at(match.start()), "name",
                                            f'"{word}" in {name} says nothing', _MEND))
    return findings
