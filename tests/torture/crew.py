# SPDX-License-Identifier: MIT
"""Who works and who submits while everything breaks."""
import collections
import contextlib
import json
import os
import pathlib
import signal
import subprocess
import threading
import time

PROGRAM = pathlib.Path(os.environ.get("PENSTOCK_BIN_DIR", "build/bin")).resolve() / \
    "penstock-torture"
FLOWS = ("good", "bad", "deep", "gated", "sour")
KINDS = ["ok"] * 120 + ["slow"] * 30 + ["fail"] * 30 + ["crash"]


class Workers:
    """Processes that are replaced when they die, and that die a lot."""

    def __init__(self, folder, url, count, dice):
        self._dice = dice
        self._log = open(folder / "workers.log", "ab")
        self._environment = dict(os.environ, PENSTOCK_STORE=url, TORTURE_LOGS=str(folder),
                                 NO_COLOR="1")
        self._living = [self._start() for _ in range(count)]
        self.kills = []  # (pid, moment) of those that were killed at random.
        self.stopped = set()  # Pids that slept for a while.

    def _start(self):
        return subprocess.Popen([PROGRAM, "worker", "--concurrency", "4", "--grace", "2s"],
                                env=self._environment, stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=self._log)

    def replace(self):
        """Starts a new one for each that has ended."""
        self._living = [one if one.poll() is None else self._start() for one in self._living]

    def _one(self):
        return self._dice.choice(self._living)

    def kill(self):
        victim = self._one()
        if victim.poll() is None:
            self.kills.append((victim.pid, time.monotonic_ns()))
            victim.kill()
            victim.wait()

    def stop_for_a_while(self):
        victim = self._one()
        if victim.poll() is not None:
            return
        self.stopped.add(victim.pid)
        with contextlib.suppress(ProcessLookupError):
            victim.send_signal(signal.SIGSTOP)
            time.sleep(self._dice.uniform(0.2, 5))
            victim.send_signal(signal.SIGCONT)

    def deploy(self):
        self._one().terminate()

    def end(self):
        """Asks all to end, and says which did not within a minute."""
        for one in self._living:
            if one.poll() is None:
                one.terminate()
        stuck = []
        for one in self._living:
            try:
                one.wait(60)
            except subprocess.TimeoutExpired:
                stuck.append(one.pid)
                one.kill()
                one.wait()
        self._log.close()
        return stuck


class Starter(threading.Thread):
    """Starts runs of flows until told to end; one that was not answered is started again by its
    own id."""

    def __init__(self, environment, dice, answerer):
        super().__init__(daemon=True)
        self._environment, self._dice, self._answerer = environment, dice, answerer
        self.started, self.complaints = [], []
        self.over = threading.Event()

    def run(self):
        number = 0
        while not self.over.is_set():
            number += 1
            self._start(f"{FLOWS[number % len(FLOWS)]}-{number}")
            self.over.wait(self._dice.uniform(0, 0.6))

    def _start(self, name):
        give_up = time.monotonic() + 90
        while time.monotonic() < give_up:
            done = subprocess.run([PROGRAM, "flow-start", name], env=self._environment, text=True,
                                  capture_output=True, timeout=60, check=False)
            if done.returncode == 0:
                self.started.append(name)
                if name.startswith("gated"):
                    self._answerer.gates.append(name)
                return
            if done.returncode not in (4, 5, 6):
                self.complaints.append(f"flow-start ended with {done.returncode}: "
                                       f"{done.stderr[:500]}")
            time.sleep(0.1)
        self.complaints.append("a run could not be started for 90 s")


class Killable(threading.Thread):
    """Does one thing after the other in a process of its own until told to end; that may be killed
    at any moment."""

    def __init__(self, environment):
        super().__init__(daemon=True)
        self._environment = environment
        self.again, self.complaints = 0, []
        self.over = threading.Event()
        self._process = None

    def kill(self):
        process = self._process
        if process:
            process.kill()


class Answerer(Killable):
    """Answers the gates of runs, each until it is said to be answered. What is not answered at the
    end shows in its run."""

    def __init__(self, environment):
        super().__init__(environment)
        self.gates = collections.deque()

    def run(self):
        while not self.over.is_set():
            if self.gates:
                gate = self.gates.popleft()
                if not self._answer(gate):
                    self.again += 1
                    self.gates.append(gate)
            self.over.wait(0.05)

    def _answer(self, gate):
        self._process = subprocess.Popen(
            [PROGRAM, "flow", "signal", gate, "ask", "true", "--by", "torture"], text=True,
            env=self._environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        _, err = self._process.communicate()
        code = self._process.returncode
        # 3: it does not wait yet; 4 and 5: the store did not answer; -9: killed by us.
        if code not in (0, 3, 4, 5, 6, -9):
            self.complaints.append(f"flow signal ended with {code}: {err[:500]}")
        return code == 0 or (code == 6 and "answered" in err)


class Producer(Killable):
    """Submits batches until told to end. Its process may be killed at any moment; then the same
    batch is submitted again, by the same idempotency keys, until the answer has come."""

    def __init__(self, environment, first, dice, keyed):
        super().__init__(environment)
        self._next, self._dice, self._keyed = first, dice, keyed
        self.tried, self.acked = {}, {}  # Number -> kind; number -> id.

    def run(self):
        while not self.over.is_set():
            self._submit(self._batch())
            self.over.wait(self._dice.uniform(0, 0.5))

    def _batch(self):
        jobs = []
        for _ in range(self._dice.randint(1, 20)):
            number, kind = self._next, self._dice.choice(KINDS)
            self._next += 1
            self.tried[number] = kind
            job = {"task": "torture", "idempotency_key": f"torture-{self._keyed}-{number}",
                   "payload": {"n": number, "kind": kind, "ms": self._dice.randint(50, 600)},
                   "backoff": "fixed:100ms", "max_attempts": 5}
            if number % 20 == 0:
                job["unique"] = f"unique-{self._keyed}-{number}"
            if number % 7 == 0:
                job["delay"] = f"{self._dice.randint(1, 3000)}ms"
            job["priority"] = self._dice.randint(0, 10)
            jobs.append(job)
        return jobs

    def _submit(self, jobs):
        text = "\n".join(json.dumps(job) for job in jobs)
        give_up = time.monotonic() + 90
        while time.monotonic() < give_up:
            self._process = subprocess.Popen(
                [PROGRAM, "submit", "--batch", "-"], env=self._environment, text=True,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            try:
                out, err = self._process.communicate(text, timeout=60)
            except subprocess.TimeoutExpired:
                self._process.kill()
                out, err = self._process.communicate()
                self.complaints.append("a submit hung for 60 s")
            ids = out.split()
            if self._process.returncode == 0 and len(ids) == len(jobs):
                for job, name in zip(jobs, ids):
                    self.acked[job["payload"]["n"]] = name
                return
            # 4 and 5: the store did not answer; 6: it is full; -9: killed by us.
            if self._process.returncode not in (4, 5, 6, -9):
                self.complaints.append(f"submit ended with {self._process.returncode}: {err[:500]}")
            self.again += 1
            time.sleep(0.1)
        self.complaints.append("a batch could not be submitted for 90 s")
