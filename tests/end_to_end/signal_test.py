# SPDX-License-Identifier: MIT
"""How a worker ends and rests: signals, --burst, --max-jobs, its log."""
import json
import signal
import time
import unittest

from stage import Stage


class Signals(Stage):
    def test_sigterm_waits_for_what_runs_and_takes_nothing_more(self):
        worker = self.worker("--concurrency", "1")
        running = self.submit("sleep", '{"ms":400}')
        self.until_state(running, "running")
        waiting = self.submit("echo", "1")
        self.drain(worker)
        self.assertEqual(self.show(running)["state"], "succeeded")
        self.assertEqual(self.show(waiting)["state"], "ready")
        self.assertEqual(self.doctor(code=1)["sessions_lost"], 0)

    def test_second_sigterm_gives_back_without_using_an_attempt(self):
        for signals in ((signal.SIGTERM, signal.SIGTERM), (signal.SIGINT, signal.SIGTERM)):
            worker = self.worker("--concurrency", "1")
            job = self.submit("sleep", '{"ms":300000}')
            self.until_state(job, "running")
            worker.send(signals[0])
            self.until("it drains", lambda: self.states() == ["draining"])
            worker.send(signals[1])
            self.assertEqual(worker.wait(), 0)
            seen = self.show(job)
            self.assertEqual((seen["state"], seen["attempt"], seen["crashes"]), ("ready", 0, 0))
            self.run_command("job", "cancel", job)

    def test_grace_period_ends_with_giving_back(self):
        worker = self.worker("--concurrency", "1", "--grace", "100ms")
        job = self.submit("sleep", '{"ms":300000}')
        self.until_state(job, "running")
        self.drain(worker)
        self.assertEqual((self.show(job)["state"], self.show(job)["attempt"]), ("ready", 0))

    def states(self):
        return [json.loads(line)["state"]
                for line in self.run_command("workers", "--json").out.splitlines()]

    def test_sigtstp_takes_nothing_and_sigcont_goes_on(self):
        worker = self.worker().send(signal.SIGTSTP)
        self.until("it is quiet", lambda: self.states() == ["quiet"])
        job = self.submit("echo", "1")
        self.run_command("job", "wait", job, "--timeout", "300ms", code=5)
        worker.send(signal.SIGCONT)
        self.wait(job)
        self.until("it runs again", lambda: self.states() == ["running"])

    def test_sigttin_logs_what_each_slot_runs(self):
        worker = self.worker("--concurrency", "2")
        job = self.submit("sleep", '{"ms":300000}')
        self.until_state(job, "running")
        self.until("the slot is listed", lambda: worker.send(signal.SIGTTIN).wait_line("slots busy")
                   and any(f"running sleep {job} for " in line for line in worker.lines))

    def test_sigterm_to_a_supervisor_drains_all_of_its_processes(self):
        manager = self.worker("--concurrency", "1", processes=2)
        jobs = [self.submit("sleep", '{"ms":400}') for _ in range(2)]
        for job in jobs:
            self.until_state(job, "running")
        self.drain(manager)
        self.assertEqual([self.show(job)["state"] for job in jobs], ["succeeded"] * 2)
        self.assertEqual(self.states(), [])

    def test_killed_supervisor_takes_its_processes_with_it(self):
        manager = self.worker("--concurrency", "1", processes=2)
        manager.send(signal.SIGKILL).wait()
        self.until("the processes have closed their sessions", lambda: self.states() == [])

    def test_sighup_opens_the_log_file_again(self):
        log = self.folder / "worker.log"
        worker = self.start("worker", "--log-file", log)
        self.until("it logs", lambda: log.exists() and "started" in log.read_text())
        log.rename(self.folder / "old.log")
        worker.send(signal.SIGHUP)
        self.until("the file is back", log.exists)
        self.drain(worker)
        self.assertIn("ended", log.read_text())


class Ends(Stage):
    def test_burst_ends_when_nothing_is_ready(self):
        jobs = [self.submit("echo", str(i)) for i in range(5)]
        later = self.submit("echo", "1", "--delay", "1h")
        began = time.monotonic()
        self.assertEqual(self.worker("--burst").wait(), 0)
        self.assertLess(time.monotonic() - began, 5)
        self.assertEqual([self.show(job)["state"] for job in jobs], ["succeeded"] * 5)
        self.assertEqual(self.show(later)["state"], "scheduled")

    def test_burst_of_several_processes_ends_too(self):
        self.submit("noop", "null", "--count", "300")
        self.assertEqual(self.worker("--burst", processes=2).wait(), 0)
        self.assertEqual(self.count("succeeded"), 300)

    def test_max_jobs_ends_after_exactly_so_many(self):
        self.submit("noop", "null", "--count", "20")
        self.assertEqual(self.worker("--max-jobs", "7").wait(), 0)
        self.assertEqual((self.count("succeeded"), self.count("ready")), (7, 13))

    def test_list_tasks_names_them_without_a_store(self):
        done = self.run_command("worker", "--list-tasks", "--store", "nonsense:")
        self.assertEqual(done.out.split(), ["noop", "echo", "sleep", "fail", "crash"])

    def test_log_lines_are_json_when_asked(self):
        worker = self.worker("--log-format", "json", "--quiet")
        self.assertEqual(json.loads(worker.lines[0])["level"], "info")
        self.drain(worker)
        for line in worker.lines:
            json.loads(line)


if __name__ == "__main__":
    unittest.main()
