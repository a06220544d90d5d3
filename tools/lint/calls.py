# SPDX-License-Identifier: MIT
"""Calls that go around the house, and texts that have one home."""
import re

from finding import Finding

_REAL_TIME = ("src/store/clock.cc", "tests/end_to_end/", "tests/support/", "bench/")
_STATES = {"waiting", "scheduled", "ready", "running", "succeeded", "failed", "cancelled"}
_STATE_HOME = "src/rules/job_state.cc"

# (what is banned in code, where it may stand, how to mend it)
_BANNED = [
    (r"\b(?:system|steady|high_resolution)_clock::now\b", _REAL_TIME,
     "take a Clock (penstock/clock.h) and ask it"),
    (r"\b(?:sleep_for|sleep_until|usleep|nanosleep)\b|(?<![\w.>])sleep\s*\(", (),
     "Clock::wait_until, which a test can move and a stop token can end"),
    (r"\bs?rand\s*\(", (), "std::mt19937_64 seeded by the caller, so that a run can be repeated"),
    (r"\bdetach\s*\(\s*\)", (), "keep the std::jthread in the object that stops it"),
    (r"\bstd::thread\b(?!::)", (), "std::jthread, which stops and joins"),
    (r"\bcatch\s*\(\s*\.\.\.\s*\)\s*\{\s*\}", (), "return or record the error"),
    (r"\bassert\s*\(", (), "CHECK, which is on in release builds too"),
]
_VALUE = re.compile(r"(?:\.|->)value\(\)")  # Throws; src/ tests and dereferences instead.


def check(tree):
    findings = []
    for file in tree.cpp():
        for pattern, allowed, mend in _BANNED:
            if file.path.startswith(allowed or "\0"):
                continue
            findings += _found(file, re.finditer(pattern, file.code), mend)
        if file.path.startswith("src/") and not file.is_test:
            findings += _found(file, _VALUE.finditer(file.code),
                               "test it and return its error, then use *")
            findings += _state_text(file)
    return findings


def _found(file, matches, mend):
    return [Finding(file.path, file.line_at(match.start()), "call",
                    f"{match[0].strip()} is banned here", mend)
            for match in matches]


def _state_text(file):
    if file.path == _STATE_HOME:
        return []
    return [Finding(file.path, line, "state-text", f'a state spelled as text: "{text}"',
                    "to_text(JobState) or parse_state; else `// lint: state-text, what it is`")
            for line, text in file.strings if text in _STATES]
