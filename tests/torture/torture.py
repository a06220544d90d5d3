#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Breaks everything while jobs run, then checks the books. See docs/torture.md.

  ./dev torture [--seconds 60] [--seed N] [--store sqlite|redis|URL] [--fsync always|everysec]
              [--only WORD] [--verbose]
"""
import argparse
import json
import os
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time

from checker import Books, read_runs
from crew import PROGRAM, Answerer, Producer, Starter, Workers
from operators import Operator
from stores import FileStore, GivenStore, RedisStore

WORKERS, PRODUCERS = 4, 2


class Torture:
    def __init__(self, options):
        self.options = options
        self.dice = random.Random(options.seed)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="penstock-torture-"))
        self.store = self._open_store()
        direct = dict(os.environ, PENSTOCK_STORE=self.store.direct, NO_COLOR="1")
        self.direct = direct
        self.workers = Workers(self.folder, self.store.url, WORKERS, self._dice())
        environment = dict(direct, PENSTOCK_STORE=self.store.url)
        self.producers = [Producer(environment, 1 + i * 10_000_000, self._dice(), options.seed)
                          for i in range(PRODUCERS)]
        self.answerer = Answerer(environment)
        self.starter = Starter(environment, self._dice(), self.answerer)
        self.operator = Operator(environment, self.producers, self._dice())
        self.injected, self.timeline = {}, []
        self.complaints, self.checked = [], ""

    def _dice(self):
        return random.Random(self.dice.random())

    def _open_store(self):
        if self.options.store == "sqlite":
            return FileStore(self.folder)
        if self.options.store == "redis":
            return RedisStore(self.folder, self.options.fsync, self._dice())
        return GivenStore(self.options.store)

    def ask(self, *words):
        done = subprocess.run([PROGRAM, *words], env=self.direct, text=True, capture_output=True,
                              timeout=120, check=False)
        if done.returncode not in (0, 1):
            raise RuntimeError(f"{words} ended with {done.returncode}: {done.stderr}")
        return done.stdout

    def lines(self, *words):
        return [json.loads(line) for line in self.ask(*words, "--json").splitlines()]

    def run(self):
        for producer in [*self.producers, self.starter, self.answerer]:
            producer.start()
        self._break_things()
        self.store.mend()
        self.operator.resume()
        for producer in [*self.producers, self.starter]:
            producer.over.set()
        for producer in [*self.producers, self.starter]:
            producer.join(120)
            self.complaints += producer.complaints
        drained = self._drain()
        self.answerer.over.set()
        self.answerer.join(60)
        self.complaints += self.answerer.complaints + self._wrong_runs()
        stuck = self.workers.end()
        self.complaints += [f"worker {pid} did not end within a minute" for pid in stuck]
        return self._report(drained)

    # Faults of the store and of its clients go on side by side, each from dice of its own.
    def _break_things(self):
        end = time.monotonic() + self.options.seconds
        of_clients = {"worker killed": self.workers.kill, "worker stopped":
                      self.workers.stop_for_a_while, "worker deployed": self.workers.deploy,
                      "producer killed": lambda: self.dice.choice(self.producers).kill(),
                      "answer killed": self.answerer.kill,
                      "jobs cancelled": self.operator.cancel_some,
                      "queue paused": self.operator.pause_for_a_while}
        threads = [threading.Thread(target=self._break, args=(faults, pause, end, self._dice()))
                   for faults, pause in ((of_clients, 0.8), (self.store.faults, 2.0)) if faults]
        for thread in threads:
            thread.start()
        while time.monotonic() < end or any(thread.is_alive() for thread in threads):
            self.workers.replace()
            time.sleep(0.05)

    def _break(self, faults, pause, end, dice):
        faults = {name: fault for name, fault in faults.items() if self.options.only in name}
        while faults:
            rest = dice.uniform(0, 2 * pause)
            if time.monotonic() + rest >= end:
                return
            time.sleep(rest)
            name = dice.choice(sorted(faults))
            self.timeline.append((time.monotonic(), name))
            faults[name]()
            self.timeline.append((time.monotonic(), name + ", over"))
            self.injected[name] = self.injected.get(name, 0) + 1

    def _drain(self):
        """Seconds until nothing was left to do; None when that did not come."""
        began = time.monotonic()
        while time.monotonic() - began < 120:
            self.workers.replace()
            queues = self.lines("queue", "list")
            if not any(queue[state] for queue in queues
                       for state in ("ready", "running", "scheduled", "waiting")):
                return time.monotonic() - began
            time.sleep(0.1)
        return None

    def _wrong_runs(self):
        done = subprocess.run([PROGRAM, "flow-check"], env=self.direct, text=True, check=False,
                              capture_output=True, timeout=120,
                              input="".join(name + "\n" for name in self.starter.started))
        if done.returncode != 0:
            return [f"flow-check ended with {done.returncode}: {done.stderr}"]
        *wrong, self.checked = done.stdout.splitlines()
        return wrong

    def _left_behind(self):
        left = [f"session of {worker['worker']}" for worker in self.lines("workers")]
        left += self.store.leftovers()
        held = [number for producer in self.producers for number in producer.acked
                if number % 20 == 0]
        for number in held[-5:]:
            key = f"unique-{self.options.seed}-{number}"
            answer = json.loads(self.ask("submit", "torture", '{"n":0,"kind":"ok"}', "--json",
                                         "--unique", key))
            if answer["duplicate"]:
                left.append(f"unique key {key}")
        return left

    def _report(self, drained):
        options = self.options
        tried, acked = {}, {}
        for producer in self.producers:
            tried.update(producer.tried)
            acked.update(producer.acked)
        jobs = {job["id"]: job for job in self.lines("job", "list", "--task", "torture",
                                                    "--limit", "100000")}
        health = json.loads(self.ask("doctor", "--json"))
        books = Books(read_runs(self.folder), tried, acked, jobs,
                      self.ask("endings").splitlines()).check(
                          self.workers.stopped, self.operator.cancelled)
        left = self._left_behind()
        tail = options.store == "redis" and options.fsync != "always"
        lost_tail = books.faults.pop("lost", []) if tail else []
        print(f"seed {options.seed}, {options.seconds} s on {options.store}"
              + (f" (appendfsync {options.fsync})" if options.store == "redis" else ""))
        print("injected: " + (", ".join(f"{name} {count}" for name, count
                                        in sorted(self.injected.items())) or "nothing"))
        print(f"jobs: {len(tried)} tried, {len(acked)} acknowledged, {len(jobs)} in the store, "
              f"{len(books.starts)} starts, "
              f"{sum(producer.again for producer in self.producers)} submits repeated")
        print(f"runs of flows: {len(self.starter.started)} started, {self.checked[2:]}; "
              f"{self.answerer.again} answers repeated")
        print("lost {}, unexpected {}, duplicated {}, ended twice {}, ".format(
            *(len(books.faults[name]) for name in ("lost", "unexpected", "duplicated",
                                                   "ended twice")))
              + ", ".join(f"{name} {count}" for name, count in books.figures.items()))
        print(f"sessions lost {health['sessions_lost']}, false alarms {health['false_alarms']}, "
              f"late writes refused {health['stale_writes_refused']}")
        if tail:
            print(f"forgotten with the tail of the append-only file: {len(lost_tail)}")
        self._print_delays(books)
        print("drained in " + (f"{drained:.1f} s" if drained is not None else "NEVER"))
        return self._verdict(books, left, drained)

    def _print_delays(self, books):
        delays = books.rerun_delays(self.workers.kills)
        if not delays:
            return

        def share(part):
            return delays[min(len(delays) - 1, int(len(delays) * part))][0]
        print(f"killed to run again, of {len(delays)}: p50 {share(.5):.0f} ms, "
              f"p99 {share(.99):.0f} ms, max {share(1):.0f} ms")
        if self.options.verbose:
            print(books.history(delays[-1][1]))
            print("\n".join(f"  at {at:.3f}: {name}" for at, name in self.timeline))

    def _verdict(self, books, left, drained):
        wrong = {what: names for what, names in books.faults.items() if names}
        for what, names in wrong.items():
            print(f"WRONG: {what}: {len(names)}")
            for name in names[:3]:
                print(books.history(name))
        for what in self.complaints + [f"left behind: {one}" for one in left]:
            print(f"WRONG: {what}")
        if not wrong and not left and not self.complaints and drained is not None:
            if not self.options.verbose:
                shutil.rmtree(self.folder, ignore_errors=True)
            print("the books are right")
            return 0
        print(f"again: ./dev torture --seconds {self.options.seconds} --seed {self.options.seed} "
              f"--store {self.options.store} --fsync {self.options.fsync}; "
              f"everything is kept in {self.folder}")
        return 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--seed", type=int, default=int(os.environ.get("PENSTOCK_SEED", "0")))
    parser.add_argument("--store", default="sqlite", help="sqlite, redis or a URL")
    parser.add_argument("--fsync", choices=("always", "everysec"), default="always")
    parser.add_argument("--only", default="", help="only the faults that are named like this")
    parser.add_argument("--verbose", action="store_true",
                        help="every fault, the slowest job; keeps the folder")
    options = parser.parse_args()
    options.seed = options.seed or random.SystemRandom().randrange(1, 1 << 31)
    torture = Torture(options)
    try:
        code = torture.run()
    finally:
        torture.workers.end()
        torture.store.close()
    sys.exit(code)


if __name__ == "__main__":
    main()
