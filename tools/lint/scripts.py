# SPDX-License-Identifier: MIT
"""The scripts of the Redis store: a contract at the top that is true, and a body that keeps it.

A script opens with comment lines in this order: what it does, in one sentence or a few; `KEYS[i]
pattern type`; `ARGV[i]  name`, the last one maybe `ARGV[i..]`; `Returns`, each negative number with
the name of its error; `Events`; `Derived keys`. An indented line goes on with the one above. Then
come the lines `--@include NAME` and the body, whose first statements name every argument.
"""
import re
import shutil
import subprocess

from finding import Finding

FOLDER = "src/store/redis/scripts/"
LIBRARY = FOLDER + "lib/"
ERRORS = "include/penstock/result.h"
BODY_LINES = {"finish": 120, "submit": 120}  # Any other: 60.
GLOBALS = {"ARGV", "KEYS", "error", "ipairs", "math", "next", "pairs", "redis", "string", "table",
           "tonumber", "tostring", "type", "unpack"}
COMPILER = "luac5.1"

_PARTS = ["purpose", "KEYS", "ARGV", "Returns", "Events", "Derived keys"]
_PART = re.compile(r"-- (?:(KEYS|ARGV)\[(\d+)(\.\.)?\]  \S|(Returns|Events|Derived keys)  +\S)")
_ANSWER = re.compile(r"(?:^-- Returns  |; |\n--\s+)(\{?)(-?\d+)\b(?: (\w+))?")
_INCLUDE = re.compile(r"--@include ([a-z0-9_]+)$")
_RETURNED = re.compile(r"\breturn\s*(\{?)\s*(-?\d+)\b")
_BANNED = [(re.compile(r"redis\.p?call\(\s*['\"]TIME['\"]"), "take now_ms as an argument"),
           (re.compile(r"\bmath\.random\w*"), "take a random number as an argument"),
           (re.compile(r"\bredis\.pcall\b"), "redis.call, before the first write"),
           (re.compile(r"\b(?:cjson|cmsgpack)\b"), "pass the values one by one")]
_RAW = re.compile(r"\b(?:KEYS|ARGV)\[\d+\]")


class Script:
    """The parts of one script; lines are numbered from 1."""

    def __init__(self, tree, file):
        self.file = file
        self.stem = file.path.rsplit("/", 1)[1].removesuffix(".lua")
        self.is_library = file.path.startswith(LIBRARY)
        self.code = [re.sub(r"--.*", "", line) for line in file.lines]
        end = 0
        while end < len(file.lines) and file.lines[end].startswith("--") \
                and not _INCLUDE.match(file.lines[end]):
            end += 1
        self.contract = file.lines[:end]
        self.includes = []
        while end < len(file.lines) and (include := _INCLUDE.match(file.lines[end])):
            self.includes.append((end + 1, include[1]))
            end += 1
        self.body = end + 1  # Where it begins.
        self.libraries = [tree.files[path] for _, name in self.includes
                          if (path := f"{LIBRARY}{name}.lua") in tree.files]

    @property
    def body_code(self):
        return "\n".join(self.code[self.body - 1:])

    @property
    def head_end(self):
        """The first line after the locals that the body begins with."""
        line = self.body
        while line <= len(self.code) and re.match(r"local (?!function)|\s+\S", self.code[line - 1]):
            line += 1
        return line

    def assembled(self):
        """(path, line, text) of each line as the server gets it."""
        lines = []
        for number, text in enumerate(self.file.lines, 1):
            include = _INCLUDE.match(text)
            library = include and next((one for one in self.libraries
                                        if one.path == f"{LIBRARY}{include[1]}.lua"), None)
            if library:
                lines += [(library.path, at, part) for at, part in enumerate(library.lines, 1)]
            else:
                lines.append((self.file.path, number, text))
        return lines


def check(tree):
    errors = _errors(tree)
    findings, included = [], set()
    for file in tree.files.values():
        if not file.path.startswith(FOLDER) or not file.path.endswith(".lua"):
            continue
        script = Script(tree, file)
        findings += _banned(script) + _raw(script)
        if script.is_library:
            findings += _library(script)
            continue
        included |= {name for _, name in script.includes}
        findings += _includes(tree, script) + _contract(script) + _length(script)
        findings += _arguments(script) + _returns(script, errors)
    findings += [Finding(path, 1, "script-include", "no script includes this file", "remove it")
                 for path in tree.files if path.startswith(LIBRARY) and path.endswith(".lua")
                 and path[len(LIBRARY):].removesuffix(".lua") not in included]
    return findings


def _errors(tree):
    """The name that a negative number stands for: the place in the enum, counted from 1."""
    text = tree.files[ERRORS].code if ERRORS in tree.files else ""
    body = re.search(r"enum class Errc[^{]*\{([^}]*)\}", text)
    names = re.findall(r"\w+", body[1]) if body else []
    return {str(-place): name for place, name in enumerate(names, 1)}


def _found(script, line, check, what, mend):
    return Finding(script.file.path, line, check, what, mend)


def _banned(script):
    return [_found(script, number, "call", f"{match[0]} is banned in a script", mend)
            for number, text in enumerate(script.code, 1) for pattern, mend in _BANNED
            if (match := pattern.search(text))]


def _raw(script):
    first = 1 if script.is_library else script.head_end
    return [_found(script, number, "raw-argument", f"{match[0]} below the head of the body",
                   "give it a name in the first statements")
            for number, text in enumerate(script.code, 1)
            if number >= first and (match := _RAW.search(text)) and
            not re.match(r"local \w+ = KEYS\[\d+\]$", text.strip())]


def _library(script):
    if script.includes or any("--@include" in line for line in script.file.lines):
        return [_found(script, 1, "script-include", "an included file includes another",
                       "name both in the script")]
    if not script.contract:
        return [_found(script, 1, "contract", "it does not say what it is for", "say it on top")]
    return []


def _includes(tree, script):
    findings = [_found(script, line, "script-include", f"there is no lib/{name}.lua",
                       "name a file of lib/")
                for line, name in script.includes if f"{LIBRARY}{name}.lua" not in tree.files]
    return findings + [
        _found(script, number, "script-include", "an include below the body's beginning",
               "put it between the contract and the body")
        for number, text in enumerate(script.file.lines, 1)
        if "--@include" in text and (number >= script.body or not _INCLUDE.match(text))]


def _parts(script):
    """(line, part, number or None, is open, text with what goes on below) of the contract."""
    parts = []
    for number, line in enumerate(script.contract, 1):
        match = _PART.match(line)
        if match:
            part = match[1] or match[4]
            parts.append([number, part, int(match[2]) if match[2] else None, bool(match[3]), line])
        elif parts and line.startswith("--  "):
            parts[-1][4] += "\n" + line
        elif not parts or parts[-1][1] == "purpose":
            parts.append([number, "purpose", None, False, line])
        else:
            parts.append([number, "unknown", None, False, line])
    return parts


def _contract(script):
    findings, last = [], 0
    counts = {"KEYS": 0, "ARGV": 0}
    present = set()
    parts = _parts(script)
    for line, part, number, is_open, text in parts:
        present.add(part)
        if part == "unknown":
            findings.append(_found(script, line, "contract", f'not a part of a contract: "{text}"',
                                   "two spaces after its name; indent what goes on"))
            continue
        if _PARTS.index(part) < last:
            findings.append(_found(script, line, "contract", f"{part} comes too late",
                                   "the order is: " + ", ".join(_PARTS)))
        last = max(last, _PARTS.index(part))
        if number is None:
            continue
        counts[part] += 1
        if number != counts[part]:
            findings.append(_found(script, line, "contract",
                                   f"{part}[{number}] where {part}[{counts[part]}] comes next",
                                   "count from 1 without gaps"))
        if part == "KEYS" and not re.match(r"-- KEYS\[\d+\]  \S+  [A-Z]+$", text):
            findings.append(_found(script, line, "contract", "a key without its type",
                                   "KEYS[1]  PREFIX:{0}:meta  HASH"))
    for part in ("purpose", "KEYS", "Returns"):
        if part not in present:
            findings.append(_found(script, 1, "contract", f"the contract lacks: {part}",
                                   "the order is: " + ", ".join(_PARTS)))
    return findings


def _length(script):
    allowed = BODY_LINES.get(script.stem, 60)
    lines = len(script.file.lines) - script.body + 1
    if lines <= allowed:
        return []
    return [_found(script, script.body + allowed, "script-length",
                   f"the body has {lines} lines, {allowed} are allowed",
                   "a rule is hiding in it: decide in src/rules and pass the answer in")]


def _arguments(script):
    """The documented keys and arguments are those that are used."""
    findings = []
    code = "\n".join([script.body_code, *(re.sub(r"--.*", "", one.text)
                                          for one in script.libraries)])
    for kind in ("KEYS", "ARGV"):
        documented, open_from = set(), None
        for line, part, number, is_open, _ in _parts(script):
            if part != kind:
                continue
            documented.add(number)
            if is_open:
                open_from = number
            used = re.search(rf"\b{kind}\[(?!\d+\])" if is_open else rf"\b{kind}\[{number}\]", code)
            if not used:
                findings.append(_found(script, line, "contract", f"{kind}[{number}] is never used",
                                       "use it, or take it out of the contract"))
        for number in sorted({int(one) for one in re.findall(rf"\b{kind}\[(\d+)\]", code)}):
            if number not in documented and not (open_from and number > open_from):
                findings.append(_found(script, 1, "contract",
                                       f"{kind}[{number}] is used and not documented",
                                       "add it to the contract"))
        if open_from is None and re.search(rf"\b{kind}\[(?!\d+\])", code):
            findings.append(_found(script, 1, "contract", f"{kind} is used from a place that moves",
                                   f"document {kind}[i..]"))
    return findings


def _returns(script, errors):
    returns = next((part for part in _parts(script) if part[1] == "Returns"), None)
    if not returns:
        return []
    line, text = returns[0], returns[4]
    findings = []
    documented = {match[2] for match in _ANSWER.finditer(text)}
    for match in _ANSWER.finditer(text):
        number, expected = match[2], errors.get(match[2])
        if number.startswith("-") and not match[1] and match[3] != expected:
            findings.append(_found(script, line, "contract", f"{number} is no {match[3]}",
                                   f"it means {expected}" if expected else f"see Errc in {ERRORS}"))
    for at, code in enumerate(script.code, 1):
        for brace, number in _RETURNED.findall(code):
            is_value = brace and not number.startswith("-") and re.search(r"\{[a-z]", text)
            if number not in documented and not is_value:
                meaning = f" {errors[number]}" if number in errors else ""
                findings.append(_found(script, at, "contract",
                                       f"returns {number}, which the contract does not mention",
                                       f"document {number}{meaning}"))
    return findings


def check_compiled(tree, memory):
    """Each script compiles, and knows no global variable. Asks the compiler, if there is one."""
    findings = []
    for file in tree.files.values():
        if not file.path.startswith(FOLDER) or file.path.startswith(LIBRARY) \
                or not file.path.endswith(".lua") or not shutil.which(COMPILER):
            continue
        lines = Script(tree, file).assembled()
        text = "\n".join(one[2] for one in lines) + "\n"
        digest = memory.digest("script", COMPILER, ",".join(sorted(GLOBALS)), text)
        if memory.knows(digest):
            continue
        found = _compile(file.path, lines, text)
        findings += found
        if not found:
            memory.add(digest)
    return sorted(set(findings))  # A file that several include is said once.


def _compile(path, lines, text):
    run = subprocess.run([COMPILER, "-l", "-p", "-"], input=text, capture_output=True, text=True)
    if run.returncode != 0:
        error = re.search(r"stdin:(\d+): (.*)", run.stderr)
        where, line = (path, 1) if not error else lines[min(int(error[1]), len(lines)) - 1][:2]
        return [Finding(where, line, "script-syntax", (error[2] if error else run.stderr).strip(),
                        f"see {COMPILER}")]
    findings = []
    for at, how, name in re.findall(r"\[(\d+)\]\s+([GS]ETGLOBAL)\s.*; (\S+)", run.stdout):
        where, line, _ = lines[int(at) - 1]
        if how == "SETGLOBAL" or name not in GLOBALS:
            findings.append(Finding(where, line, "global", f'"{name}" is a global variable',
                                    "declare it local above its first use"))
    return findings
