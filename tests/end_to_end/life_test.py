# SPDX-License-Identifier: MIT
"""From submit to result: output, exit codes, and what a submitter may ask for."""
import json
import unittest

from stage import Stage


class Life(Stage):
    def test_submit_prints_the_id_alone_and_names_the_store_on_stderr(self):
        done = self.run_command("submit", "echo", '{"a":1}')
        self.assertRegex(done.out, r"\A[0-9a-f-]{36}\n\Z")
        self.assertIn(f"store: {self.store} (from PENSTOCK_STORE)", done.err)
        self.assertIn('no live worker of queue default offers task "echo"', done.err)

    def test_worker_runs_it_and_wait_prints_the_result(self):
        job = self.submit("echo", '{"a":1}')
        self.worker()
        self.assertEqual(self.wait(job), '{"a":1}\n')
        self.assertEqual(self.run_command("job", "result", job).out, '{"a":1}\n')
        self.assertEqual(self.submit("echo", "[2]", "--wait"), "[2]")
        self.assertEqual(self.submit("echo", "[2]", "--wait=30s"), "[2]")

    def test_a_worker_may_have_an_odd_name_but_none_that_parts_fields(self):
        self.worker("-n", "celery@h\u00f6st,a=b%7C")
        job = self.submit("echo", '{"a":"|b|"}')
        self.assertEqual(self.wait(job), '{"a":"|b|"}\n')
        self.assertEqual(self.show(job)["worker"], "celery@h\u00f6st,a=b%7C")
        for name in ("a|b", "a b", "a\nb", "x" * 129):
            self.refuse("worker", "-n", name, code=2, holding="worker name")

    def test_nothing_is_said_about_offers_when_a_worker_offers_the_task(self):
        self.worker()
        self.assertNotIn("note:", self.run_command("submit", "echo").err)

    def test_exit_codes_say_what_happened(self):
        self.worker("--queues", "busy")
        failed = self.submit("fail", '{"message":"no such luck"}', "--queue", "busy",
                             "--max-attempts", "1")
        self.assertIn("no such luck",
                      self.refuse("job", "wait", failed, "--timeout", "30s", code=1))
        self.refuse("submit", "echo", "{", code=2)
        self.refuse("job", "show", "nobody", code=3, holding="nobody")
        self.refuse("queue", "list", "--store", "sqlite:/proc/none/jobs.db", code=4)
        waiting = self.submit("echo", "1", "--queue", "nobody-serves-this")
        self.refuse("job", "wait", waiting, "--timeout", "50ms", code=5)
        self.refuse("job", "result", waiting, code=6, holding="ready")
        self.refuse("job", "promote", waiting, code=6)

    def test_json_is_one_object_or_one_a_line(self):
        job = json.loads(self.run_command("submit", "echo", "1", "--json").out)
        self.assertEqual(job["duplicate"], False)
        for words in (["job", "show", job["id"]], ["job", "explain", job["id"]]):
            self.assertEqual(json.loads(self.run_command(*words, "--json").out)["id"], job["id"])
        self.worker()
        self.wait(job["id"])
        for words in (["job", "list"], ["queue", "list"], ["workers"]):
            lines = self.run_command(*words, "--json").out.splitlines()
            self.assertEqual([type(json.loads(line)) for line in lines], [dict], words)
        self.assertIn("store", self.doctor())
        error = self.run_command("job", "show", "nobody", "--json", code=3)
        self.assertEqual(json.loads(error.out)["error"]["code"], "not_found")

    def test_json_of_many_lines_stays_one_line(self):
        job = self.submit("echo", '{\n  "a": "b\\n c"\n}')
        self.assertEqual([seen["id"] for seen in self.jobs()], [job])
        self.assertEqual(self.show(job)["payload"], {"a": "b\n c"})

    def test_payload_comes_from_a_file_or_from_stdin(self):
        (self.folder / "payload.json").write_text('{"from":"file"}')
        self.worker()
        self.assertEqual(self.submit("echo", "@payload.json", "--wait"), '{"from":"file"}')
        done = self.run_command("submit", "echo", "-", "--wait", stdin='{"from":"stdin"}')
        self.assertEqual(done.out, '{"from":"stdin"}\n')

    def test_payload_is_json_of_any_kind(self):
        self.worker()
        for payload in ("{}", "[]", "[1]", "[1,2]", '["a","b"]', "-5", "true", '"%%"', "null"):
            self.assertEqual(self.submit("echo", payload, "--wait"), payload)

    def test_batch_takes_good_lines_and_names_bad_ones(self):
        lines = ['{"task":"echo","payload":1}', '{"task":"echo","payload":', '{"task":"bad name"}',
                 '{"task":"echo","nonsense":1}', '', '{"task":"echo","payload":2,"priority":9}']
        done = self.run_command("submit", "--batch", "-", stdin="\n".join(lines), code=2)
        self.assertEqual(len(done.out.split()), 2)
        for number in (2, 3, 4):
            self.assertRegex(done.err, rf"(?m)^-:{number}: .+$")
        self.assertIn("2 accepted, 0 duplicates, 3 refused", done.err)
        self.assertEqual(len(self.jobs()), 2)

    def test_count_submits_the_same_job_many_times(self):
        ids = self.submit("noop", "null", "--count", "2500").split()
        self.assertEqual(len(set(ids)), 2500)
        self.worker("--burst").wait()
        self.assertEqual(self.count("succeeded"), 2500)

    def test_unique_key_holds_one_live_job_and_is_free_afterwards(self):
        first = self.submit("echo", "1", "--unique", "k")
        self.assertEqual(self.submit("echo", "2", "--unique", "k"), first)
        again = json.loads(self.run_command("submit", "echo", "--unique", "k", "--json").out)
        self.assertTrue(again["duplicate"])
        self.worker()
        self.wait(first)
        self.assertNotEqual(self.submit("echo", "3", "--unique", "k"), first)

    def test_unique_key_with_a_hold_outlives_its_job(self):
        self.worker()
        first = self.submit("echo", "1", "--unique", "k:1h")
        self.wait(first)
        self.assertEqual(self.submit("echo", "2", "--unique", "k:1h"), first)

    def test_idempotency_key_and_own_id_answer_with_the_same_job(self):
        self.worker()
        first = self.submit("echo", "1", "--idempotency-key", "order-7")
        self.wait(first)
        self.assertEqual(self.submit("echo", "1", "--idempotency-key", "order-7"), first)
        self.assertEqual(self.submit("echo", "1", "--id", "my:own.id-1"), "my:own.id-1")
        self.wait("my:own.id-1")
        self.assertEqual(self.submit("echo", "1", "--id", "my:own.id-1"), "my:own.id-1")
        self.assertEqual(len(self.jobs()), 2)

    def test_higher_priority_runs_first(self):
        low = self.submit("echo", "1", "--priority", "1")
        high = self.submit("echo", "1", "--priority", "9")
        self.worker("--burst", "--concurrency", "1").wait()
        self.assertLessEqual(self.show(high)["started_at"], self.show(low)["started_at"])

    def test_failures_are_retried_with_their_back_off(self):
        self.worker()
        job = self.submit("fail", '{"times":2,"message":"not yet"}', "--backoff", "fixed:10ms")
        self.assertEqual(self.wait(job), '{"attempt":3}\n')
        self.assertEqual(self.show(job)["attempt"], 3)
        self.assertEqual(self.show(job)["error"], None)

    def test_delayed_job_is_scheduled_and_runs_when_due(self):
        self.worker()
        job = self.submit("echo", "1", "--delay", "150ms")
        self.wait(job)
        seen = self.show(job)
        self.assertGreaterEqual(seen["started_at"], seen["scheduled_at"] or seen["created_at"])

    def test_pool_jobs_wait_for_a_worker_of_the_pool(self):
        job = self.submit("echo", "1", "--pool", "gpu")
        outside = self.submit("echo", "1")
        self.worker("--burst").wait()
        self.wait(outside)
        self.assertEqual(self.show(job)["state"], "ready")
        reasons = json.loads(self.run_command("job", "explain", job, "--json").out)["reasons"]
        self.assertIn(reasons[0]["code"], ("pool", "no_worker"))
        self.worker("--pool", "gpu")
        self.wait(job)

    def test_kept_job_keeps_payload_and_tags(self):
        self.worker()
        kept = self.submit("echo", "[1]", "--keep", "full", "--tag", "who=me")
        gone = self.submit("echo", "[1]", "--tag", "who=me")
        for job in (kept, gone):
            self.wait(job)
        seen = self.show(kept)
        self.assertEqual((seen["payload"], seen["tags"]), ([1], {"who": "me"}))
        self.assertEqual((self.show(gone)["payload"], self.show(gone)["tags"]), (None, None))


class Unknown(Stage):
    def test_fails_with_the_offered_names_when_nobody_else_has_it(self):
        self.worker()
        job = self.submit("polish", "1")
        self.assertIn('no handler named "polish"', self.refuse(
            "job", "wait", job, "--timeout", "30s", code=1))
        self.assertIn("echo", self.show(job)["error"])

    def test_is_given_back_while_another_worker_offers_it(self):
        self.program = "penstock-roster"
        roster = self.worker("--name", "roster", "--concurrency", "1")
        self.program = "penstock"
        self.worker("--name", "stock")
        text = (self.folder / "in.json")
        text.write_text(json.dumps({"text": "SECTION_NONSENSE"}))
        jobs = [self.submit("roster.solve", "@in.json") for _ in range(2)]
        for job in jobs:
            self.until("somebody had it", lambda job=job: self.show(job)["state"] != "ready")
        # Each time that it is given back it waits longer; the other one need not win again.
        self.run_command("workers", "quiet", "stock")
        for job in jobs:
            self.run_command("job", "wait", job, "--timeout", "60s", code=1)
            self.assertNotIn("no handler", self.show(job)["error"])
            self.assertEqual(self.show(job)["worker"], "roster")
        self.drain(roster)

    @unittest.skipUnless(Stage.on_redis, "whom a change of a file wakes first is chance")
    def test_reaches_the_worker_that_offers_it_though_another_keeps_asking(self):
        self.program = "penstock-roster"
        self.worker("--name", "roster", "--concurrency", "1")  # The first, so it tends.
        self.program = "penstock"
        self.worker("--name", "stock")
        (self.folder / "in.json").write_text(json.dumps({"text": "SECTION_NONSENSE"}))
        for _ in range(5):
            job = self.submit("roster.solve", "@in.json")
            self.run_command("job", "wait", job, "--timeout", "20s", code=1)
            self.assertEqual(self.show(job)["worker"], "roster")


if __name__ == "__main__":
    unittest.main()
