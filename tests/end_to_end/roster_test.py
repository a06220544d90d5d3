# SPDX-License-Identifier: MIT
"""The rostering program and the show."""
import json
import os
import re
import signal
import unittest

from stage import SOURCE, Stage

INSTANCES = SOURCE / "apps/roster/instances"


class Solve(Stage):
    program = "penstock-roster"

    def test_instance1_is_proven_and_verified(self):
        done = self.run_command("solve", INSTANCES / "instance1.txt", "--verify")
        self.assertTrue(done.out.startswith("OPTIMAL\ncost   607\nbound  607\n"))
        self.assertEqual(done.out.splitlines()[-1], "verified")
        self.assertEqual(done.err, "")

    def test_json_answer_of_either_format(self):
        for name, cost, count in (("instance1.txt", 607, None), ("weekdays.json", 0, 5)):
            text = self.run_command("solve", INSTANCES / name, "--json", "--verify")
            answer = json.loads(text.out)
            self.assertEqual((answer["status"], answer["cost"], answer["bound"]),
                             ("OPTIMAL", cost, cost))
            self.assertEqual(text.err, "verified\n")
            if count:
                self.assertEqual(len(answer["assignments"]), count)

    def test_stdin_and_time_limit(self):
        text = (INSTANCES / "instance1.txt").read_text()
        done = self.run_command("solve", "-", "--time-limit", "1ms", "--verify", stdin=text)
        self.assertIn(done.out.split()[0], ("OPTIMAL", "FEASIBLE", "TIME_LIMIT"))
        self.refuse("solve", "-", "--time-limit", "5", code=2, stdin=text, holding="--time-limit")

    def test_selftest_prints_its_facts(self):
        out = self.run_command("selftest").out
        for text in ("Store: sqlite:", "Worker 1/2 (PID: ", "Worker 2/2 (PID: ",
                     "Job 3: succeeded, OPTIMAL, 5 assignments", "Results kept: 3",
                     "(status: queued)", "ALL TESTS PASSED"):
            self.assertIn(text, out)
        self.assertEqual(list(self.folder.glob("penstock-*")), [])

    def test_job_gives_the_answer_as_its_result(self):
        self.worker()
        text = (INSTANCES / "instance1.txt").read_text()
        (self.folder / "in.json").write_text(json.dumps({"text": text, "time_limit_seconds": 60}))
        job = self.submit("roster.solve", "@in.json")
        self.assertEqual(json.loads(self.wait(job))["status"], "OPTIMAL")


class Show(Stage):
    program = "penstock-roster"

    def setUp(self):
        super().setUp()
        del self.environment["PENSTOCK_STORE"]

    def test_once_shows_everything_and_ends(self):
        done = self.run_command("demo", "--once")
        for text in ("SIGKILL", "incumbent 607, bound 607", "OPTIMAL, cost 607", "lost 0",
                     "201 of 201 jobs ended exactly once"):
            self.assertIn(text, done.out)
        self.assertRegex(done.out, r"(?m)^rescued +[1-9]")
        self.assertRegex(done.out, r"(?m)^retried +20 ")
        self.assertNotIn("\x1b", done.out + done.err)
        self.assertEqual(list(self.folder.glob("penstock-demo-*")), [])

    def test_stock_binary_has_the_same_show_without_a_roster(self):
        self.program = "penstock"
        tally = json.loads(self.run_command("demo", "--once", "--json").out)
        self.assertEqual((tally["submitted"], tally["succeeded"], tally["lost"]), (200, 200, 0))

    def test_named_store_is_used_and_keeps_the_jobs(self):
        self.environment["PENSTOCK_STORE"] = self.store
        for _ in range(2):
            self.run_command("demo", "--once", "--quiet")
        self.assertEqual(self.count("succeeded"), 402)
        self.assertEqual({job["queue"] for job in self.jobs()}, {"demo"})

    def test_without_once_it_stays_up_until_it_is_told_to_end(self):
        self.environment["PENSTOCK_STORE"] = self.store
        show = self.start("demo", "--json")  # Sentences on stderr.
        show.wait_line("Ctrl+C ends them")
        self.assertEqual(self.submit("echo", "7", "--queue", "demo", "--wait"), "7")
        pids = [json.loads(line)["pid"]
                for line in self.run_command("workers", "--json").out.splitlines()]
        self.assertEqual(show.send(signal.SIGTERM).wait(), 0)
        self.assertFalse([pid for pid in pids if os.path.exists(f"/proc/{pid}")])

    def test_interrupted_show_takes_its_workers_with_it(self):
        show = self.start("demo", "--json")
        pids = [int(re.search(r"PID: (\d+)", show.wait_line("Started worker", n + 1))[1])
                for n in range(2)]
        show.wait_line("Submitted")
        self.assertEqual(show.send(signal.SIGINT).wait(), 130)
        self.assertFalse([pid for pid in pids if os.path.exists(f"/proc/{pid}")])


if __name__ == "__main__":
    unittest.main()
