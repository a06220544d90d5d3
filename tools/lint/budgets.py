# SPDX-License-Identifier: MIT
"""How large things may grow before they are two things."""
import re

from finding import Finding
from source import blank

FILE_LINES = 400
FUNCTION_LINES = 70
LINE_COLUMNS = 100
STATEMENTS_LINES = {"finish": 120}  # Any other .sql file: 60. Scripts: scripts.py.
PUBLIC_HEADERS = 18
STORE_VERBS = 24
STORE_PLUMBING = {"another", "clock", "make_ring", "name"}  # Of a connection; no verbs.
OPTION_FIELDS = 8

_WRITTEN = (".h", ".cc", ".py", ".cmake", ".lua", ".sql", "CMakeLists.txt", "dev")
_SCOPE = re.compile(r"(inline\s+)?(namespace|class|struct|union|enum|extern)\b")
_TEMPLATE = re.compile(r"template\s*<[^{};]*>\s*(?=(class|struct|union)\b)")
_ACCESS = re.compile(r"(\s*(public|private|protected)\s*:(?!:))+")


def check(tree):
    findings = []
    for file in tree.files.values():
        if file.path.endswith(_WRITTEN):
            findings += _file_length(file) + _line_length(file) + _script_length(file)
        if file.is_cpp:
            findings += _function_length(file) + _option_fields(file)
    return findings + _public_headers(tree) + _store_verbs(tree)


def _file_length(file):
    if len(file.lines) <= FILE_LINES:
        return []
    return [Finding(file.path, FILE_LINES + 1, "file-length",
                    f"{len(file.lines)} lines, {FILE_LINES} are allowed",
                    "split it by its nouns")]


def _line_length(file):
    return [Finding(file.path, number, "line-length",
                    f"{len(line)} columns, {LINE_COLUMNS} are allowed", "break the line")
            for number, line in enumerate(file.lines, 1) if len(line) > LINE_COLUMNS]


def _script_length(file):
    if "/statements/" not in file.path:
        return []
    stem = file.path.rsplit("/", 1)[1].split(".")[0]
    allowed = STATEMENTS_LINES.get(stem, 60)
    if len(file.lines) <= allowed:
        return []
    return [Finding(file.path, allowed + 1, "script-length",
                    f"{len(file.lines)} lines, {allowed} are allowed",
                    "a rule is hiding in it: decide in src/rules and pass the answer in")]


def functions(file):
    """(name, first line, last line) of each function body at namespace or class scope."""
    code = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: blank(m[0]), file.code, flags=re.M)
    found, stack, head_start = [], [], 0
    for match in re.finditer(r"[{};]", code):
        at = match.start()
        if match[0] == "{":
            stack.append(_open(file, code, head_start, at, stack))
        elif match[0] == "}" and stack:
            kind, name, first = stack.pop()
            if kind == "function":
                found.append((name, first, file.line_at(at)))
        head_start = at + 1
    return found


def _open(file, code, head_start, at, stack):
    """What a brace opens: ("scope" | "function" | "block", name, first line)."""
    access = _ACCESS.match(code, head_start, at)
    if access:
        head_start = access.end()
    raw = code[head_start:at]
    head = _TEMPLATE.sub("", raw.strip())
    first = file.line_at(head_start + len(raw) - len(raw.lstrip()))
    if stack and stack[-1][0] != "scope":
        return ("block", "", first)
    if _SCOPE.match(head):
        return ("scope", "", first)
    if "(" in head and not head.endswith(("=", ",", "(")):
        name = re.search(r"([\w:~]+|operator\W+)\s*\(", head)
        return ("function", name[1] if name else "?", first)
    return ("block", "", first)


def _function_length(file):
    return [Finding(file.path, first, "function-length",
                    f"{name} has {last - first + 1} lines, {FUNCTION_LINES} are allowed",
                    "name a step of it and make it a function")
            for name, first, last in functions(file) if last - first + 1 > FUNCTION_LINES]


def _body(code, start):
    """The text between the brace at or after `start` and its partner."""
    begin, depth = code.index("{", start), 0
    for match in re.finditer(r"[{}]", code[begin:]):
        depth += 1 if match[0] == "{" else -1
        if depth == 0:
            return code[begin + 1:begin + match.start()]
    return ""


def _without_nested(text):
    """Drops what stands in braces, angle brackets and square brackets."""
    before = None
    while before != text:
        before, text = text, re.sub(r"\{[^{}]*\}|<[^<>]*>|\[[^\[\]]*\]", "", text)
    return text


def _option_fields(file):
    findings = []
    for match in re.finditer(r"\bstruct\s+(\w*(?:Options|Config))\b[^;{}()]*\{", file.code):
        body = _without_nested(_body(file.code, match.start()))
        statements = [one.strip() for one in body.split(";")]
        fields = sum(1 + one.count(",") for one in statements
                     if one and "(" not in one and not re.match(r"using|friend|static", one))
        if fields > OPTION_FIELDS:
            findings.append(Finding(
                file.path, file.line_at(match.start()), "option-fields",
                f"{match[1]} has {fields} fields, {OPTION_FIELDS} are allowed",
                "split it by who reads it, or pass the values"))
    return findings


def _public_headers(tree):
    headers = [path for path in tree.files
               if path.startswith("include/penstock/") and path.endswith(".h")]
    if len(headers) <= PUBLIC_HEADERS:
        return []
    return [Finding(headers[-1], 1, "public-headers",
                    f"{len(headers)} public headers, {PUBLIC_HEADERS} are allowed",
                    "put it into the header of its concept")]


def _store_verbs(tree):
    file = tree.files.get("src/store/store.h")
    store = file and re.search(r"\bclass\s+Store\b[^;{]*\{", file.code)
    if not store:
        return []
    pure = re.findall(r"(\w+)\s*\([^;]*?=\s*0\s*;", _body(file.code, store.start()))
    verbs = len([name for name in pure if name not in STORE_PLUMBING])
    if verbs <= STORE_VERBS:
        return []
    return [Finding(file.path, file.line_at(store.start()), "store-verbs",
                    f"Store has {verbs} verbs, {STORE_VERBS} are allowed",
                    "make it a field of a verb that is there")]
