#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""By hand: thousands of jobs while worker processes are killed with -9, one every second.

  tests/end_to_end/kill_storm.py [--jobs 10000] [--seconds 20] [--processes 4] [--alone] [--redis]

Prints how every job ended and how long it took from a kill until the jobs of the dead worker ran
again. With --redis on a Redis server of its own. With --alone the workers have no supervisor: their
peers have to notice, and the script starts the replacements. Exit code 1 when a job is lost or
failed.
"""
import argparse
import collections
import datetime
import json
import os
import pathlib
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time

from stage import Redis

BIN = pathlib.Path(os.environ.get("PENSTOCK_BIN_DIR", "build/bin")).resolve()


def moment(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


def share(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))]


class Storm:
    def __init__(self, options):
        self.options = options
        self.folder = tempfile.mkdtemp(prefix="penstock-storm-")
        self.redis = Redis(self.folder) if options.redis else None
        store = self.redis.url if self.redis else f"sqlite:{self.folder}/jobs.db"
        self.environment = dict(os.environ, PENSTOCK_STORE=store)
        self.alone = []  # Workers without a supervisor.
        self.killed = set()  # Their pids.
        self.kills = []  # (moment, worker, jobs that ran there)
        self.dice = random.Random(int(os.environ.get("PENSTOCK_SEED", "1")))

    def lines(self, *words):
        done = subprocess.run([str(BIN / "penstock"), *words, "--json"], env=self.environment,
                              capture_output=True, text=True, check=True)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def start(self, *flags):
        log = open(f"{self.folder}/workers.log", "a", encoding="utf-8")
        with log:
            return subprocess.Popen(
                [str(BIN / "penstock"), "worker", "--concurrency", "4", *flags],
                env=self.environment, stderr=log)

    def submit(self):
        specs = "\n".join(json.dumps({"task": "sleep", "payload": {"ms": i % 90}})
                          for i in range(self.options.jobs))
        subprocess.run([str(BIN / "penstock"), "submit", "--batch", "-", "--json"],
                       input=specs, text=True, env=self.environment, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def kill_one(self):
        # A worker that was killed is listed until its peers have noticed.
        workers = [worker for worker in self.lines("workers")
                   if worker["running"] > 0 and worker["pid"] not in self.killed]
        if not workers:
            return
        victim = self.dice.choice(workers)
        held = [job["id"] for job in self.lines("job", "list", "--state", "running",
                                                "--limit", "100000")
                if job["worker"] == victim["worker"]]
        at = time.time()
        try:
            os.kill(victim["pid"], signal.SIGKILL)
        except ProcessLookupError:
            return
        self.killed.add(victim["pid"])
        self.kills.append((at, victim["worker"], held))
        if self.options.alone:
            self.alone.append(self.start())

    def rerun_delays(self):
        """From each kill to the next start of what the dead worker held then."""
        jobs = {job["id"]: job for job in self.lines("job", "list", "--limit", "100000")}
        delays = []
        for at, worker, held in self.kills:
            for job in (jobs[name] for name in held if name in jobs):
                # It moved: what it says of its start is about the attempt after the kill, if that
                # was the only one.
                if job["crashes"] == 1 and job["worker"] != worker:
                    delays.append(moment(job["started_at"]) - at)
        return [delay for delay in delays if delay >= 0]

    def run(self):
        options = self.options
        self.submit()
        if options.alone:
            self.alone = [self.start() for _ in range(options.processes)]
            manager = None
        else:
            manager = self.start("--processes", str(options.processes))
        began = time.monotonic()
        for second in range(options.seconds):
            time.sleep(max(0.0, began + second + 1 - time.monotonic()))
            self.kill_one()
        while any(queue["ready"] + queue["running"] + queue["scheduled"]
                  for queue in self.lines("queue", "list")):
            time.sleep(0.05)
        took = time.monotonic() - began
        for process in [manager] if manager else self.alone:
            if process.poll() is None:
                process.terminate()
            process.wait()
        return self.report(took)

    def endings(self):
        """How often the event stream tells of each job's end (docs/sqlite.md has the grammar)."""
        told = collections.Counter()
        for line in self.event_lines():
            kind, job, _, to = line.split("\t", 4)[:4] if line.startswith("j") else "----"
            if to in ("succeeded", "failed", "cancelled"):
                told[(kind, job)] += 1
        return told

    def event_lines(self):
        if self.redis:
            return self.redis.ask("--raw", "XRANGE", "penstock:{0}:ev", "-", "+").splitlines()
        with sqlite3.connect(f"file:{self.folder}/jobs.db?mode=ro", uri=True) as database:
            rows = database.execute("SELECT body FROM events ORDER BY entry").fetchall()
        return [line for (body,) in rows for line in body.splitlines()]

    def report(self, took):
        jobs = self.lines("job", "list", "--limit", "100000")
        states = collections.Counter(job["state"] for job in jobs)
        ended = states["succeeded"] + states["failed"] + states["cancelled"]
        lost = self.options.jobs - ended
        processed = len({job["id"] for job in jobs})
        print(f"{self.options.jobs} jobs, {self.options.processes} processes, "
              f"{len(self.kills)} killed with -9 in {took:.1f} s")
        print(f"ended {ended}: " + ", ".join(f"{n} {state}" for state, n in states.items()))
        print(f"crashed and run again: {sum(job['crashes'] > 0 for job in jobs)}")
        health = json.loads(subprocess.run([str(BIN / "penstock"), "doctor", "--json"],
                                           env=self.environment, capture_output=True, text=True,
                                           check=False).stdout)
        print(f"sessions lost {health['sessions_lost']}, false alarms {health['false_alarms']}, "
              f"late writes refused {health['stale_writes_refused']}")
        delays = self.rerun_delays()
        if delays:
            print(f"kill to re-run of {len(delays)} jobs: p50 {share(delays, .5) * 1000:.0f} ms, "
                  f"p99 {share(delays, .99) * 1000:.0f} ms, max {max(delays) * 1000:.0f} ms")
        told = self.endings()
        twice = sum(count > 1 for count in told.values())
        print(f"told of {len(told)} ends, {twice} of them twice")
        print(f"lost {lost}")
        if self.redis:
            self.redis.end()
        shutil.rmtree(self.folder, ignore_errors=True)
        whole = processed == self.options.jobs == len(told) and twice == 0
        return 0 if lost == 0 and whole and states["failed"] == 0 else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--seconds", type=int, default=20)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--alone", action="store_true")
    parser.add_argument("--redis", action="store_true")
    sys.exit(Storm(parser.parse_args()).run())


if __name__ == "__main__":
    main()
