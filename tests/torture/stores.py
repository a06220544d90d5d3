# SPDX-License-Identifier: MIT
"""The stores that are tortured: how each is started, what can be done to it, what must be left."""
import contextlib
import os
import shutil
import signal
import subprocess
import time

from link import Link

PATIENCE = 30


class FileStore:
    """One SQLite file. There is no server to kill; its writers are killed instead."""

    def __init__(self, folder):
        self.url = self.direct = f"sqlite:{folder}/jobs.db"
        self.faults = {}

    def mend(self):
        pass

    def close(self):
        pass

    def leftovers(self):
        return []


class GivenStore(FileStore):
    """A store that somebody else looks after."""

    def __init__(self, url):
        super().__init__(".")
        self.url = self.direct = url


class RedisStore:
    """A server of our own, reached over a link that can be cut."""

    def __init__(self, folder, appendfsync, dice):
        self._folder, self._dice = folder, dice
        self._socket = f"{folder}/redis.sock"
        self._command = [
            os.environ.get("PENSTOCK_TEST_REDIS", shutil.which("redis-server") or "redis-server"),
            "--port", "0", "--unixsocket", self._socket, "--dir", str(folder), "--save", "",
            "--appendonly", "yes", "--appendfsync", appendfsync, "--logfile", f"{folder}/redis.log"]
        self._server = None
        self._start()
        self._link = Link(f"{folder}/link.sock", self._socket)
        self.url = f"redis+unix://{folder}/link.sock"
        self.direct = f"redis+unix://{self._socket}"
        self.faults = {"redis killed": self._kill, "redis stopped": self._stop,
                       "link cut": self._link.cut, "replies swallowed": self._swallow,
                       "scripts forgotten": self._forget_scripts,
                       "memory full": self._fill_memory}

    def _start(self):
        self._server = subprocess.Popen(self._command, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        give_up = time.monotonic() + PATIENCE
        while self.ask("PING") != "PONG":
            if time.monotonic() > give_up or self._server.poll() is not None:
                raise RuntimeError(f"redis-server does not start: see {self._folder}/redis.log")
            time.sleep(0.01)

    def ask(self, *words):
        done = subprocess.run(["redis-cli", "-s", self._socket, *words], text=True, check=False,
                              capture_output=True, timeout=PATIENCE)
        return done.stdout.strip()

    def _kill(self):
        self._server.kill()
        self._server.wait()
        time.sleep(self._dice.uniform(0, 1.5))
        self._start()

    def _stop(self):
        self._server.send_signal(signal.SIGSTOP)
        time.sleep(self._dice.uniform(0.1, 3))
        self._server.send_signal(signal.SIGCONT)

    def _swallow(self):
        self._link.swallow()
        time.sleep(self._dice.uniform(0.05, 0.6))
        self._link.speak()

    def _forget_scripts(self):
        self.ask("SCRIPT", "FLUSH")

    # New jobs are refused; what is there has to go on.
    def _fill_memory(self):
        self.ask("CONFIG", "SET", "maxmemory", "1")
        time.sleep(self._dice.uniform(0.2, 2))
        self.ask("CONFIG", "SET", "maxmemory", "0")

    def mend(self):
        self._link.speak()

    def close(self):
        self._link.close()
        with contextlib.suppress(ProcessLookupError):
            self._server.kill()
        self._server.wait()

    def leftovers(self):
        """Keys that belong to sessions, when there are none any more."""
        keys = self.ask("--scan", "--pattern", "penstock:{0}:*").split()
        left = [key for key in keys if ":act:" in key or ":ses:" in key or ":cancel:" in key]
        left += [f"{key} {self.ask('HGETALL', key).split()}" for key in keys
                 if key.endswith((":sessions", ":slots")) and self.ask("HLEN", key) != "0"]
        return left
