# SPDX-License-Identifier: MIT
"""The checker finds what is wrong: each test breaks one thing in books that are right."""
import unittest

from checker import Books, Run


class CheckerTest(unittest.TestCase):
    def setUp(self):
        self.runs = [Run("S", 1, "a", 1, 0, 10, 100, 5_000_000),
                     Run("E", 1, "a", 1, 0, 10, 100, 6_000_000)]
        self.tried, self.acked = {1: "ok"}, {1: "a"}
        self.jobs = {"a": {"state": "succeeded", "crashes": 0, "attempt": 1}}
        self.endings = ["3 a", "4 a"]

    def books(self, stopped=(), cancelled=()):
        return Books(self.runs, self.tried, self.acked, self.jobs, self.endings).check(
            set(stopped), set(cancelled))

    def wrong(self, stopped=()):
        return {what for what, names in self.books(stopped).faults.items() if names}

    def run_again(self, fence, pid=200, at=9_000_000):
        self.runs += [Run(what, 1, "a", 1, 1, fence, pid, at) for what in "SE"]

    def test_right_books_are_right(self):
        self.assertEqual(self.wrong(), set())

    def test_an_acknowledged_job_that_the_store_forgot_is_lost(self):
        self.jobs.clear()
        self.assertIn("lost", self.wrong())

    def test_a_job_that_did_not_end_is_lost(self):
        self.jobs["a"]["state"] = "running"
        self.assertEqual(self.wrong(), {"lost", "never ended"})

    def test_a_job_that_nobody_submitted_is_unexpected(self):
        self.tried.clear()
        self.assertEqual(self.wrong(), {"unexpected"})

    def test_a_job_that_became_two_is_duplicated(self):
        self.runs.append(Run("S", 1, "b", 1, 0, 11, 100, 7_000_000))
        self.assertEqual(self.wrong(), {"duplicated"})

    def test_a_second_terminal_event_is_seen(self):
        self.endings.append("5 a")
        self.assertEqual(self.wrong(), {"ended twice"})

    def test_an_end_without_an_event_is_seen(self):
        self.endings.pop()
        self.assertEqual(self.wrong(), {"ended in silence"})

    def test_a_success_that_no_execution_reached_is_seen(self):
        self.runs.pop()
        self.assertEqual(self.wrong(), {"succeeded without running to its end"})

    def test_more_crashes_than_allowed_are_seen(self):
        self.jobs["a"]["crashes"] = 4
        self.assertEqual(self.wrong(), {"past its bounds"})

    def test_a_failure_that_was_no_poison_is_seen(self):
        self.jobs["a"]["state"] = "failed"
        self.assertEqual(self.wrong(), {"failed without need"})

    def test_a_job_that_nobody_cancelled_may_not_be_cancelled(self):
        self.jobs["a"]["state"] = "cancelled"
        self.assertEqual(self.wrong(), {"cancelled unasked"})
        self.assertFalse(self.books(cancelled=["a"]).faults["cancelled unasked"])

    def test_a_fence_that_does_not_grow_is_seen(self):
        self.run_again(fence=10)
        self.assertEqual(self.wrong(), {"fence did not grow"})
        self.assertEqual(self.wrong(stopped=[200]), {"fence did not grow"}, "the same fence twice")

    def test_a_zombie_start_of_a_stopped_process_is_counted_apart(self):
        self.run_again(fence=9)
        self.assertEqual(self.wrong(stopped=[200]), set())
        self.assertEqual(self.books([200]).figures["zombie starts"], 1)
        self.assertEqual(self.wrong(), {"fence did not grow"})

    def test_time_from_a_kill_to_the_next_start_is_measured(self):
        del self.runs[1]
        self.run_again(fence=11, at=9_000_000)
        self.assertEqual(self.books().rerun_delays([(100, 7_000_000)]), [(2.0, "a")])
        self.assertEqual(self.books().rerun_delays([]), [])


if __name__ == "__main__":
    unittest.main()
