# SPDX-License-Identifier: MIT
"""Two hosts and the wire between them, which is cut for ten seconds while jobs run.

Where this machine allows it the hosts are network namespaces with a cable of their own, so that a
cut is real silence: no connection ends, packets just do not arrive. Elsewhere both are this host
and a proxy stands for the cable. The test prints which.
"""
import contextlib
import json
import os
import pathlib
import subprocess
import sys
import threading
import unittest

from stage import BIN, SOURCE, Stage

sys.path.insert(0, str(SOURCE / "tests" / "torture"))

from checker import Books, read_runs  # pylint: disable=wrong-import-position
from link import Link  # pylint: disable=wrong-import-position

SERVER_ADDRESS, OTHER_ADDRESS = "10.77.0.1", "10.77.0.2"
JOBS = 600
CUT_SECONDS = 10


def quietly(*words):
    subprocess.run(words, check=True, capture_output=True)


class Cable:
    """Two network namespaces. `near` and `far` go in front of a command to run it there."""

    name = "two network namespaces"

    def __init__(self, folder):
        del folder
        mark = os.getpid()
        self._hosts = f"pst-near-{mark}", f"pst-far-{mark}"
        self._ends = f"pn{mark}", f"pf{mark}"
        self.near, self.far = (["ip", "netns", "exec", host] for host in self._hosts)
        self.server_flags = ["--bind", SERVER_ADDRESS, "--port", "6379", "--protected-mode", "no"]
        self.near_url = self.far_url = f"redis://{SERVER_ADDRESS}:6379"
        try:
            for host in self._hosts:
                quietly("ip", "netns", "add", host)
            quietly("ip", "link", "add", self._ends[0], "netns", self._hosts[0], "type", "veth",
                    "peer", "name", self._ends[1], "netns", self._hosts[1])
            for host, end, address in zip(self._hosts, self._ends,
                                          (SERVER_ADDRESS, OTHER_ADDRESS)):
                quietly("ip", "-n", host, "address", "add", f"{address}/24", "dev", end)
                quietly("ip", "-n", host, "link", "set", end, "up")
                quietly("ip", "-n", host, "link", "set", "lo", "up")
        except (OSError, subprocess.CalledProcessError):
            self.close()
            raise

    def connect(self):
        """Nothing to do: the cable is there before the server is."""

    # The far end is set down, so that the server's side sees nothing at all.
    def cut(self):
        quietly("ip", "-n", self._hosts[1], "link", "set", self._ends[1], "down")

    def mend(self):
        quietly("ip", "-n", self._hosts[1], "link", "set", self._ends[1], "up")

    def close(self):
        for host in self._hosts:
            with contextlib.suppress(OSError):
                subprocess.run(["ip", "netns", "del", host], check=False, capture_output=True)


class Proxy:
    """The same on one host: the far worker goes through a socket that can be blocked."""

    name = "a proxy on one host"

    def __init__(self, folder):
        self.near = self.far = []
        self._folder = folder
        self.server_flags = ["--port", "0", "--unixsocket", f"{folder}/redis.sock"]
        self.near_url = f"redis+unix://{folder}/redis.sock"
        self.far_url = f"redis+unix://{folder}/cable.sock"
        self._link = None

    def connect(self):
        self._link = Link(f"{self._folder}/cable.sock", f"{self._folder}/redis.sock")

    def cut(self):
        self._link.block()

    def mend(self):
        self._link.unblock()

    def close(self):
        if self._link:
            self._link.close()


def lay_cable(folder):
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        return Cable(folder)
    return Proxy(folder)


class TwoHostsTest(Stage):
    program = "penstock-torture"

    def setUp(self):
        super().setUp()
        self.cable = lay_cable(self.folder)
        self.addCleanup(self.cable.close)
        print(f"two hosts: {self.cable.name}", file=sys.stderr)
        self.environment.update(PENSTOCK_STORE=self.cable.near_url, PATH=os.environ["PATH"],
                                TORTURE_LOGS=str(self.folder))
        server = subprocess.Popen(
            [*self.cable.near, os.environ.get("PENSTOCK_TEST_REDIS", "redis-server"),
             *self.cable.server_flags, "--dir", str(self.folder), "--save", "",
             "--appendonly", "yes"], stdout=subprocess.DEVNULL)
        self.addCleanup(lambda: (server.kill(), server.wait()))
        self.until("the server answers", lambda: self.near("queue", "list").returncode == 0)
        self.cable.connect()

    def near(self, *words, stdin=None):
        return subprocess.run([*self.cable.near, BIN / self.program, *words], input=stdin,
                              env=self.environment, cwd=self.folder, capture_output=True,
                              text=True, check=False, timeout=60)

    def lines(self, *words):
        done = self.near(*words, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def host_worker(self, name, prefix, url):
        process = self.start_at(prefix, dict(self.environment, PENSTOCK_STORE=url), "worker",
                                "--concurrency", "4", "--name", name)
        self.until(f"{name} is there", lambda: self.session_of(name))
        return process

    def start_at(self, prefix, environment, *words):
        log = open(self.folder / "workers.out", "ab")
        process = subprocess.Popen([*prefix, BIN / self.program, *words], env=environment,
                                   cwd=self.folder, stdout=log, stderr=log)
        log.close()
        self.addCleanup(lambda: (process.kill(), process.wait()))
        return process

    def session_of(self, name):
        for worker in self.lines("workers"):
            if worker["worker"] == name:
                return worker
        return None

    def submit_slow(self):
        specs = [{"task": "torture", "payload": {"n": n, "kind": "slow", "ms": 100 + n % 7 * 50}}
                 for n in range(1, JOBS + 1)]
        done = self.near("submit", "--batch", "-", stdin="\n".join(map(json.dumps, specs)))
        self.assertEqual(done.returncode, 0, done.stderr)
        return dict(enumerate(done.stdout.split(), 1))

    def test_ten_seconds_without_the_wire_lose_nothing_and_end_nothing_twice(self):
        near = self.host_worker("near", self.cable.near, self.cable.near_url)
        far = self.host_worker("far", self.cable.far, self.cable.far_url)
        acked = self.submit_slow()
        before = self.until("both have work", lambda: self.session_of("near")["running"] and
                            (seen := self.session_of("far"))["running"] and seen)
        # Ten seconds by the clock, whatever happens in them.
        over = threading.Event()
        timer = threading.Timer(CUT_SECONDS, over.set)
        timer.start()
        self.cable.cut()
        self.until("the near worker has retired the far one",
                   lambda: (self.session_of("far") or {}).get("session") != before["session"])
        over.wait()
        self.cable.mend()
        self.until("the far worker is back under a new session", lambda: self.session_of("far"))
        self.until("everything has ended", lambda: not any(
            queue[state] for queue in self.lines("queue", "list")
            for state in ("ready", "running", "scheduled")))
        for process in (near, far):
            process.terminate()
            self.assertEqual(process.wait(60), 0)
        self.check_books(acked)

    def check_books(self, acked):
        jobs = {job["id"]: job for job in self.lines("job", "list", "--limit", "100000")}
        endings = self.near("endings").stdout.splitlines()
        books = Books(read_runs(pathlib.Path(self.folder)), dict.fromkeys(acked, "slow"), acked,
                      jobs, endings).check(set(), set())
        wrong = {what: [books.history(name) for name in names[:2]]
                 for what, names in books.faults.items() if names}
        self.assertEqual(wrong, {})
        self.assertEqual({job["state"] for job in jobs.values()}, {"succeeded"})
        self.assertEqual(len(jobs), JOBS)
        self.assertGreater(books.figures["ran more than once"], 0, "the cut hit nothing")
        self.assertEqual(self.lines("workers"), [])


if __name__ == "__main__":
    unittest.main()
