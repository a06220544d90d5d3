# SPDX-License-Identifier: MIT
"""What the command line prints, held against files. UPDATE_GOLDEN=1 writes them anew; the diff is
the review. Parts that differ from run to run are masked: ID, TIME, WORKER and the like.
"""
import os
import pathlib
import re
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "end_to_end"))

from stage import Stage  # pylint: disable=wrong-import-position

COMMANDS = (
    ["", "worker", "submit"]
    + ["job"] + [f"job {verb}" for verb in ("show", "result", "wait", "logs", "explain", "list",
                                            "cancel", "retry", "promote", "remove")]
    + ["queue"] + [f"queue {verb}" for verb in ("list", "pause", "resume", "drain", "purge")]
    + ["flow"] + [f"flow {verb}" for verb in ("check", "draw", "run", "list", "show", "wait",
                                              "cancel", "retry", "fork", "signal", "store")]
    + ["workers", "doctor", "prune", "config", "config show", "demo"])

MASKS = [
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "ID"),
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "TIME"),
    (r"sqlite:\S*?/(\w+\.db)", r"sqlite:FOLDER/\1"),
    (r"/tmp/penstock-test-\w+", "FOLDER"),
    (r"\bSQLite 3[.\d]+", "SQLite VERSION"),
    (r"(?m)^(reachable +yes, )\S+$", r"\1DURATION"),
    (r"(?m)^(disk +)\d+ KiB$", r"\1SIZE KiB"),
    (r'("(?:disk_bytes|memory_bytes|latency_ms|oldest_ready_ms|clock_offset_ms|pid|session|'
     r'rss_bytes|uptime_seconds)":)-?[\d.]+', r"\g<1>0"),
    (r'("host":)"[^"]*"', r'\1"HOST"'),
    (r"(?m)^(\S+ +\d+ +\d+ +\d+ +\d+ +)\d[\dms]*( +)(open|paused|draining)$", r"\1AGE  \3"),
    (r"OLDEST +STATE", "OLDEST  STATE"),
    (r"it starts in \w+", "it starts in DURATION"),
    (r"(?m) +$", ""),
]


def masked(text):
    for pattern, instead in MASKS:
        text = re.sub(pattern, instead, text)
    return text


class Golden(Stage):
    def hold(self, name, text):
        path = HERE / f"{name}.txt"
        text = masked(text)
        if os.environ.get("UPDATE_GOLDEN"):
            path.write_text(text)
        expected = path.read_text() if path.exists() else ""
        self.assertEqual(text.splitlines(), expected.splitlines(),
                         f"{path} differs; if that is meant: UPDATE_GOLDEN=1 ./dev test golden")

    def outputs(self, *commands, code=0):
        parts = []
        for words in commands:
            done = self.run_command(*words, code=code)
            parts.append(f"$ {self.program} {' '.join(words)}\n{done.out}{done.err}")
        return "\n".join(parts)

    def test_help_of_every_command(self):
        self.hold("help", self.outputs(*[[*command.split(), "--help"] for command in COMMANDS]))

    def test_help_of_the_rostering_program(self):
        self.program = "penstock-roster"
        self.hold("help_roster", self.outputs(
            *[[*command.split(), "--help"] for command in ("", "solve", "demo", "selftest")]))

    def some_jobs(self):
        """One in every state that a job of this size can reach without a clock."""
        self.submit("echo", '{"a":1}', "--id", "succeeded", "--keep", "full", "--tag", "who=me",
                    "--priority", "7")
        self.submit("fail", '{"message":"no such luck"}', "--id", "failed", "--max-attempts", "1")
        self.worker("--burst", "--name", "golden", "--concurrency", "1").wait()
        self.submit("echo", "1", "--id", "cancelled")
        self.run_command("job", "cancel", "cancelled")
        self.submit("echo", "[1,2]", "--id", "ready", "--pool", "gpu", "--queue", "images")
        self.submit("echo", "1", "--id", "scheduled", "--at", "2126-01-01T00:00:00Z")

    def test_jobs_and_queues(self):
        self.some_jobs()
        show = ["job", "show", "succeeded", "failed", "cancelled", "ready", "scheduled"]
        self.hold("job_show", self.outputs(show, [*show, "--json"]))
        self.hold("job_list", self.outputs(["job", "list"], ["job", "list", "--json"]))
        self.hold("queue_list", self.outputs(["queue", "list"], ["queue", "list", "--json"]))
        explain = ["job", "explain", "ready", "scheduled", "failed"]
        self.hold("job_explain", self.outputs(explain, [*explain, "--json"]))

    def test_doctor_of_a_healthy_and_of_a_troubled_store(self):
        healthy = self.outputs(["doctor"], ["doctor", "--json"])
        self.some_jobs()
        self.run_command("queue", "pause", "images")
        troubled = self.outputs(["doctor"], ["doctor", "--json"], code=1)
        self.hold("doctor", healthy + "\n" + troubled)

    def test_config_show(self):
        (self.folder / "penstock.toml").write_text("[worker]\nconcurrency = 3\n")
        self.environment["PENSTOCK_GRACE"] = "5s"
        text = self.outputs(["config", "show"], ["config", "show", "--json"])
        self.hold("config_show", re.sub("  +", "  ", text))  # As wide as the store's path.


if __name__ == "__main__":
    unittest.main()
