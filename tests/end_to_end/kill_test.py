# SPDX-License-Identifier: MIT
"""Workers that die, freeze, or take bombs for jobs: nothing is lost, everything ends once."""
import datetime
import json
import os
import re
import signal
import time
import unittest

from stage import Stage

WATCH_SECONDS = 3  # A killed worker is noticed by its peers within this.


def in_child(line):
    return int(re.search(r"PID: (\d+)", line)[1])


def seconds(text):
    return datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp()


class Kill(Stage):
    def expect_all_succeeded(self, count):
        self.until(f"{count} jobs have succeeded", lambda: self.count("succeeded") == count)
        self.assertEqual(len(self.jobs()), count)

    def test_supervised_workers_may_die_again_and_again(self):
        manager = self.worker("--concurrency", "4", "--log-level", "info", processes=2)
        self.submit_many([{"task": "sleep", "payload": {"ms": 20}} for _ in range(400)])
        # Twice, not three times: a job that was in three workers' hands when they were killed has
        # used up its crashes, whoever was to blame.
        for number in range(2):
            victim = in_child(manager.wait_line("[MANAGER] Started worker", number + 1))
            self.until("some jobs run there", lambda pid=victim: any(
                worker["running"] > 0 for worker in self.workers() if worker["pid"] == pid))
            os.kill(victim, signal.SIGKILL)
            manager.wait_line("died: signal 9", number + 1)
        self.expect_all_succeeded(400)
        self.assertGreater(sum(job["crashes"] for job in self.jobs()), 0)
        self.assertEqual(self.doctor()["sessions_lost"], 2)
        self.drain(manager)

    def workers(self):
        return [json.loads(line)
                for line in self.run_command("workers", "--json").out.splitlines()]

    def test_jobs_of_a_killed_worker_move_to_another_within_the_watch_time(self):
        victim = self.worker("--name", "victim", "--concurrency", "2")
        jobs = [self.submit("sleep", '{"ms":300000}') for _ in range(2)]
        for job in jobs:
            self.until_state(job, "running")
        survivor = self.worker("--name", "survivor", "--concurrency", "2")
        self.until("both know each other", lambda: len(self.workers()) == 2)
        victim.send(signal.SIGKILL).wait()
        at_kill = time.time()
        for job in jobs:
            seen = self.until(f"{job} runs again",
                              lambda job=job: (s := self.show(job))["worker"] == "survivor" and s)
            self.assertEqual((seen["state"], seen["crashes"]), ("running", 1))
            self.assertLess(seconds(seen["started_at"]) - at_kill, WATCH_SECONDS)
        survivor.send(signal.SIGKILL)

    def bombs(self, count):
        """`count` jobs of which one in a hundred kills its worker whenever it runs."""
        manager = self.worker("--concurrency", "8", processes=3)
        specs = [{"task": "crash", "payload": {"times": 99}} if i % 100 == 50 else
                 {"task": "echo", "payload": i} for i in range(count)]
        ids = self.submit_many(specs)
        bombs = {job for job, spec in zip(ids, specs) if spec["task"] == "crash"}
        self.until("every job has ended",
                   lambda: self.count("succeeded") + self.count("failed") == count)
        failed = self.jobs("--state", "failed")
        self.assertEqual({job["id"] for job in failed}, bombs)
        for job in failed:
            self.assertEqual(job["crashes"], 3)
            self.assertRegex(job["error"], r"died: .*signal 9")
        self.drain(manager)

    def test_only_the_bombs_fail_with_a_death_certificate(self):
        self.bombs(1000)

    @unittest.skipUnless(os.environ.get("PENSTOCK_TORTURE"), "PENSTOCK_TORTURE is not set")
    def test_only_the_bombs_fail_among_ten_thousand(self):
        self.bombs(10_000)

    def test_late_result_of_a_frozen_worker_is_refused_and_counted(self):
        frozen = self.worker("--name", "frozen", "--concurrency", "1")
        job = self.submit("sleep", '{"ms":1500}')
        self.until_state(job, "running")
        frozen.send(signal.SIGSTOP)
        self.worker("--name", "other", "--concurrency", "1")
        self.assertEqual(self.wait(job), '{"slept_ms":1500}\n')
        seen = self.show(job)
        self.assertEqual((seen["worker"], seen["crashes"]), ("other", 1))
        frozen.send(signal.SIGCONT)
        self.until("the late result is refused",
                   lambda: self.doctor()["stale_writes_refused"] > 0)
        self.assertEqual(self.show(job), seen)
        self.assertTrue(frozen.alive)
        self.drain(frozen)

    def test_unanswered_worker_alone_loses_nothing_to_a_restart(self):
        worker = self.worker("--concurrency", "1")
        job = self.submit("sleep", '{"ms":200}')
        self.until_state(job, "running")
        worker.send(signal.SIGKILL).wait()
        self.worker()
        self.assertEqual(self.wait(job), '{"slept_ms":200}\n')


if __name__ == "__main__":
    unittest.main()
