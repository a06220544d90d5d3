# SPDX-License-Identifier: MIT
"""What every end-to-end test stands on: the real programs on a store of the test's own.

Nothing sleeps. A test waits for a line of a process, for a process to end, for `job wait`, or asks
again until something is so; each of these gives up after `PATIENCE` seconds and says what it saw.
"""
import collections
import contextlib
import json
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import unittest

BIN = pathlib.Path(os.environ.get("PENSTOCK_BIN_DIR", "build/bin")).resolve()
SOURCE = pathlib.Path(os.environ.get("PENSTOCK_SOURCE_DIR", ".")).resolve()
PATIENCE = 60

Done = collections.namedtuple("Done", "code out err")


class Process:
    """A program that goes on beside the test. What it writes to stderr is kept line by line."""

    def __init__(self, command, environment, folder):
        self._popen = subprocess.Popen(
            [str(word) for word in command], env=environment, cwd=folder, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.pid = self._popen.pid
        self.lines = []
        self._news = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._popen.stderr:
            with self._news:
                self.lines.append(line.rstrip("\n"))
                self._news.notify_all()
        with self._news:
            self._news.notify_all()

    def wait_line(self, text, count=1):
        """The `count`th line that holds `text`."""
        def found():
            return [line for line in self.lines if text in line]

        with self._news:
            if not self._news.wait_for(lambda: len(found()) >= count, PATIENCE):
                raise AssertionError(f"no line with {text!r}:\n" + "\n".join(self.lines))
            return found()[count - 1]

    def send(self, number):
        os.kill(self.pid, number)
        return self

    def wait(self):
        """Its exit code; a negative number is the signal that ended it."""
        code = self._popen.wait(PATIENCE)
        self._reader.join(PATIENCE)
        return code

    @property
    def alive(self):
        return self._popen.poll() is None

    def end(self):
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                self.send(signal.SIGCONT).send(signal.SIGKILL)
        self.wait()
        self._popen.stderr.close()


class Redis:
    """A server of one's own: every command in its file before it is answered."""

    def __init__(self, folder):
        self.socket = f"{folder}/redis.sock"
        program = os.environ.get("PENSTOCK_TEST_REDIS", shutil.which("redis-server"))
        with open(f"{folder}/redis.log", "wb") as log:
            self._popen = subprocess.Popen(
                [program, "--port", "0", "--unixsocket", self.socket, "--dir", str(folder),
                 "--appendonly", "yes", "--appendfsync", "always", "--save", ""],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.url = f"redis+unix://{self.socket}"
        give_up = time.monotonic() + PATIENCE
        while self.ask("PING") != "PONG":
            if time.monotonic() > give_up or self._popen.poll() is not None:
                raise AssertionError("redis-server does not start: "
                                     + pathlib.Path(folder, "redis.log").read_text("utf-8"))

    def ask(self, *words):
        done = subprocess.run(["redis-cli", "-s", self.socket, *words], capture_output=True,
                              text=True, check=False)
        return done.stdout.strip()

    def end(self):
        self._popen.kill()
        self._popen.wait()


class Stage(unittest.TestCase):
    """One test: a folder, a store in it, and the programs. PENSTOCK_TEST_STORE=redis gives it a
    server of its own instead of a file."""

    program = "penstock"
    on_redis = os.environ.get("PENSTOCK_TEST_STORE") == "redis"

    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="penstock-test-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.store = f"sqlite:{self.folder}/jobs.db"
        if self.on_redis:
            redis = Redis(self.folder)
            self.addCleanup(redis.end)
            self.store = redis.url
        self.environment = {"PATH": "/usr/bin:/bin", "HOME": str(self.folder), "LC_ALL": "C.UTF-8",
                            "NO_COLOR": "1", "XDG_STATE_HOME": str(self.folder),
                            "TMPDIR": str(self.folder), "PENSTOCK_STORE": self.store}

    def run_command(self, *words, code=0, stdin=None, environment=None):
        """Runs the program to its end and checks its exit code."""
        done = subprocess.run(
            [str(BIN / self.program), *map(str, words)], env=environment or self.environment,
            cwd=self.folder, input=stdin, stdin=None if stdin is not None else subprocess.DEVNULL,
            capture_output=True, text=True, timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, code,
                         f"{words}\nstdout: {done.stdout[:2000]}\nstderr: {done.stderr[:2000]}")
        return Done(done.returncode, done.stdout, done.stderr)

    def refuse(self, *words, code, holding="", **more):
        """Runs a command that must fail with one line on stderr and nothing on stdout."""
        done = self.run_command("--quiet", *words, code=code, **more)
        self.assertEqual(done.out, "")
        self.assertRegex(done.err, r"\A[^\n]+\n\Z", "not one line")
        self.assertLess(len(done.err), 700, "not a line for a person")
        self.assertIn(holding, done.err)
        return done.err

    def submit(self, task, payload="null", *flags):
        return self.run_command("submit", task, payload, "--quiet", *flags).out.strip()

    def submit_many(self, specs):
        """Submits a list of {"task", ...} as one batch; their ids."""
        text = "\n".join(json.dumps(spec) for spec in specs)
        return self.run_command("submit", "--batch", "-", stdin=text).out.split()

    def show(self, job):
        return json.loads(self.run_command("job", "show", job, "--json").out)

    def jobs(self, *flags):
        out = self.run_command("job", "list", "--json", "--limit", "100000", *flags).out
        return [json.loads(line) for line in out.splitlines()]

    def count(self, state):
        return len(self.jobs("--state", state))

    def doctor(self, code=0):
        return json.loads(self.run_command("doctor", "--json", code=code).out)

    def wait(self, job, code=0):
        return self.run_command("job", "wait", job, "--timeout", f"{PATIENCE}s", code=code).out

    def until(self, what, so):
        """Asks `so()` again and again until it is true, and returns what it said."""
        give_up = time.monotonic() + PATIENCE
        while time.monotonic() < give_up:
            said = so()
            if said:
                return said
        raise AssertionError(f"never came: {what}")

    def until_state(self, job, state):
        return self.until(f"{job} is {state}",
                          lambda: (seen := self.show(job))["state"] == state and seen)

    def start(self, *words):
        process = Process([BIN / self.program, *words], self.environment, self.folder)
        self.addCleanup(process.end)
        return process

    def worker(self, *flags, processes=1):
        """A worker that has started: all of its processes."""
        process = self.start("worker", *flags, *(["--processes", processes] if processes > 1
                                                 else []))
        for number in range(processes):
            process.wait_line("started (PID: ", number + 1)
        return process

    def drain(self, process):
        self.assertEqual(process.send(signal.SIGTERM).wait(), 0)
