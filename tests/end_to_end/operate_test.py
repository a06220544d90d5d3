# SPDX-License-Identifier: MIT
"""What an operator does to jobs and queues from another process."""
import json
import unittest

from stage import SOURCE, Stage


SAMPLE = (SOURCE / "apps/roster/instances/instance1.txt").read_text()


class OneJob(Stage):
    def test_cancel_stops_a_running_job_of_another_process(self):
        self.worker()
        job = self.submit("sleep", '{"ms":300000}')
        self.until_state(job, "running")
        self.run_command("job", "cancel", job)
        self.run_command("job", "wait", job, "--timeout", "30s", code=1)
        self.assertEqual(self.show(job)["state"], "cancelled")
        self.refuse("job", "cancel", job, code=6)

    def test_cancel_of_a_waiting_job_ends_it_at_once(self):
        job = self.submit("echo", "1")
        self.run_command("job", "cancel", job)
        self.assertEqual(self.show(job)["state"], "cancelled")
        self.refuse("job", "wait", job, code=1, holding="cancelled")

    def test_attempt_that_takes_too_long_times_out(self):
        self.worker()
        job = self.submit("sleep", '{"ms":300000}', "--timeout", "100ms", "--max-attempts", "2",
                          "--backoff", "fixed:10ms")
        self.refuse("job", "wait", job, code=1, holding="timed out after 100ms")
        self.assertEqual(self.show(job)["attempt"], 2)

    def test_retry_runs_a_failed_job_again_with_attempts_counted_anew(self):
        worker = self.worker()
        job = self.submit("fail", "null", "--max-attempts", "1")
        self.run_command("job", "wait", job, code=1)
        self.drain(worker)
        self.run_command("job", "retry", job)
        seen = self.show(job)
        self.assertEqual((seen["state"], seen["attempt"]), ("ready", 0))
        self.refuse("job", "retry", job, code=6)

    def test_promote_makes_a_scheduled_job_ready(self):
        job = self.submit("echo", "1", "--delay", "1h")
        self.assertEqual(self.show(job)["state"], "scheduled")
        self.run_command("job", "promote", job)
        self.assertEqual(self.show(job)["state"], "ready")

    def test_remove_forgets_a_job_and_refuses_a_running_one(self):
        job = self.submit("echo", "1")
        self.run_command("job", "remove", job)
        self.refuse("job", "show", job, code=3)
        self.worker()
        running = self.submit("sleep", '{"ms":300000}')
        self.until_state(running, "running")
        self.refuse("job", "remove", running, code=6, holding="running")

    def test_logs_print_what_the_handler_wrote(self):
        self.program = "penstock-roster"
        self.worker()
        (self.folder / "in.json").write_text(json.dumps({"text": SAMPLE}))
        job = self.submit("roster.solve", "@in.json")
        self.wait(job)
        self.assertIn("incumbent 607, bound 607", self.run_command("job", "logs", job).out)
        line = json.loads(self.run_command("job", "logs", job, "--json").out.splitlines()[0])
        self.assertEqual((line["number"], line["attempt"]), (1, 1))

    def test_explain_says_why_a_job_waits(self):
        def codes(job):
            text = self.run_command("job", "explain", job, "--json").out
            return [reason["code"] for reason in json.loads(text)["reasons"]]

        job = self.submit("echo", "1")
        self.assertEqual(codes(job), ["no_worker"])
        self.run_command("queue", "pause", "default")
        self.assertIn("paused", codes(job))
        self.assertIn("scheduled", codes(self.submit("echo", "1", "--delay", "1h")))
        self.assertIn("no_worker", self.run_command("job", "explain", job).out)

    def test_expired_job_is_cancelled_unrun(self):
        job = self.submit("echo", "1", "--expires", "1ms")
        self.worker()
        self.run_command("job", "wait", job, "--timeout", "30s", code=1)
        self.assertEqual((self.show(job)["state"], self.show(job)["attempt"]), ("cancelled", 0))

    def test_several_ids_at_once_report_the_first_failure(self):
        jobs = [self.submit("echo", "1") for _ in range(2)]
        done = self.run_command("job", "cancel", jobs[0], "nobody", jobs[1], code=3)
        self.assertIn("nobody", done.err)
        self.assertEqual([self.show(job)["state"] for job in jobs], ["cancelled"] * 2)


class ManyJobs(Stage):
    def test_bulk_verbs_follow_the_filter(self):
        self.submit("echo", "1", "--count", "600", "--queue", "bulk")
        other = self.submit("echo", "1")
        dry = self.run_command("job", "cancel", "--queue", "bulk", "--dry-run")
        self.assertEqual(dry.out, "600 jobs match\n")
        self.refuse("job", "cancel", "--queue", "bulk", code=2, holding="--yes")
        done = self.run_command("job", "cancel", "--queue", "bulk", "--yes", "--json")
        self.assertEqual(json.loads(done.out)["changed"], 600)
        self.assertEqual(self.count("cancelled"), 600)
        self.assertEqual(self.show(other)["state"], "ready")
        self.run_command("job", "retry", "--state", "cancelled", "--yes")
        self.assertEqual(self.count("ready"), 601)
        self.run_command("job", "remove", "--task", "echo", "--queue", "bulk", "--yes")
        self.assertEqual(len(self.jobs()), 1)

    def test_list_filters_by_state_task_and_tag(self):
        tagged = self.submit("echo", "1", "--tag", "who=me")
        self.submit("noop", "1")
        self.assertEqual([job["id"] for job in self.jobs("--tag", "who=me")], [tagged])
        self.assertEqual([job["id"] for job in self.jobs("--task", "echo")], [tagged])
        self.assertEqual(self.jobs("--state", "failed"), [])
        self.refuse("job", "list", "--state", "sleepy", code=2, holding="sleepy")

    def test_prune_removes_only_what_ended_long_ago(self):
        self.submit("noop", "null", "--count", "20")
        self.worker("--burst").wait()
        keep = ["prune", "--state", "succeeded", "--older-than", "1h"]
        self.assertEqual(self.run_command(*keep).out, "0 jobs removed\n")
        gone = self.run_command("prune", "--state", "succeeded", "--older-than", "0s", "--json")
        self.assertEqual(json.loads(gone.out)["removed"], 20)
        self.refuse("prune", "--state", "ready", "--older-than", "0s", code=2)
        self.refuse("prune", "--state", "failed", code=2, holding="--older-than")


class Queues(Stage):
    def queue(self, name="default"):
        for line in self.run_command("queue", "list", "--json").out.splitlines():
            if json.loads(line)["queue"] == name:
                return json.loads(line)
        return None

    def test_pause_hands_out_nothing_and_resume_goes_on(self):
        self.worker()
        self.run_command("queue", "pause", "default")
        job = self.submit("echo", "1")
        self.run_command("job", "wait", job, "--timeout", "300ms", code=5)
        self.assertTrue(self.queue()["paused"])
        self.run_command("queue", "resume", "default")
        self.wait(job)
        self.assertFalse(self.queue()["paused"])

    def test_drain_refuses_submits_and_works_off_the_rest(self):
        job = self.submit("echo", "1")
        self.run_command("queue", "drain", "default")
        self.refuse("submit", "echo", "2", code=6, holding="default")
        self.worker()
        self.wait(job)
        self.run_command("queue", "resume", "default")
        self.submit("echo", "2", "--wait")

    def test_purge_deletes_what_waits_and_asks_before(self):
        self.submit("echo", "1", "--count", "300")
        self.submit("echo", "1", "--delay", "1h")
        self.refuse("queue", "purge", "default", code=2, holding="--yes")
        done = self.run_command("queue", "purge", "default", "--yes")
        self.assertEqual(done.out, "301 jobs removed from queue default\n")
        self.assertEqual(self.jobs(), [])

    def test_weights_and_several_queues_are_served(self):
        jobs = [self.submit("echo", "1", "--queue", queue) for queue in ("a", "b", "c")]
        self.worker("-q", "a,b=3", "-q", "c")
        for job in jobs:
            self.wait(job)

    def test_doctor_names_what_no_worker_can_run(self):
        self.submit("polish", "1")
        health = self.doctor(code=1)
        self.assertTrue(any("polish" in finding["what"] for finding in health["findings"]))


if __name__ == "__main__":
    unittest.main()
