# SPDX-License-Identifier: MIT
"""Programs as tasks, as a worker runs them: spawned for one job, or kept for many."""
import json
import os
import pathlib
import re
import signal
import unittest

from stage import SOURCE, Stage

PROGRAM = SOURCE / "tests/end_to_end/hostile_program.py"
PEAK = r", peak (under )?\d+ MiB"

TABLES = f"""
[tasks.once]
exec = ["/usr/bin/python3", "{PROGRAM}"]
memory = "1GiB"
cpu = "1s"

[tasks.stay]
exec = "/usr/bin/python3 {PROGRAM} --persistent"
mode = "persistent"
memory = "1GiB"
cpu = "1s"
"""


def is_alive(pid):
    """Whether the process runs; one that nobody has reaped does not."""
    try:
        state = pathlib.Path(f"/proc/{pid}/stat").read_text("utf-8").rsplit(")", 1)[1].split()[0]
        return state != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


class Programs(Stage):
    def setUp(self):
        super().setUp()
        self.configure(TABLES)

    def configure(self, text):
        (self.folder / "penstock.toml").write_text(text)

    def do(self, task, deed, *flags, **more):
        return self.submit(task, json.dumps({"do": deed, **more}), *flags)

    def lines(self, job):
        out = self.run_command("job", "logs", job, "--json").out
        return [json.loads(line)["text"] for line in out.splitlines()]

    def pids(self, job):
        """The program and its child, as its log names them."""
        text = self.until(f"{job} names its child",
                          lambda: [line for line in self.lines(job) if "child" in line])[0]
        return [int(number) for number in re.findall(r"\d+", text)]

    def until_gone(self, pids):
        self.until(f"{pids} are gone", lambda: not any(is_alive(pid) for pid in pids))

    def failed(self, job):
        return self.until(f"{job} has failed",
                          lambda: (seen := self.show(job))["state"] == "failed" and seen)

    def expect_failures(self, task, expected):
        """Hostile jobs, each once, among good ones: who fails, and with which certificate."""
        self.worker("--concurrency", "3")
        bad, good = {}, []
        for i, (deed, more, error) in enumerate(expected):
            good += [self.do(task, "work", n=10 * i + k) for k in range(5)]
            bad[self.do(task, deed, "--max-attempts", "1", **more)] = error
        for i, job in enumerate(good):
            self.assertEqual(json.loads(self.wait(job))["n"], 10 * (i // 5) + i % 5)
        for job, error in bad.items():
            self.assertRegex(self.failed(job)["error"], error)
        self.assertEqual(len(self.jobs("--state", "failed")), len(bad))
        return bad

    def test_hostile_spawned_programs_fail_with_their_certificate_and_harm_nobody(self):
        bad = self.expect_failures("once", [
            ("die", {"signal": 9},
             r"\Asignal 9 \(Killed\)" + PEAK + r", last line: about to die\Z"),
            ("die", {"signal": 11}, r"\Asignal 11 \(Segmentation fault\)" + PEAK + ", last line"),
            ("leave", {"code": 3}, r"\Aexit code 3" + PEAK + r", last line: about to leave\Z"),
            ("nonsense", {}, r"\Aexit code 1, .*KeyError: 'nonsense'\nTraceback"),
            ("eat", {}, r"\Aexit code 1, .*last line: MemoryError\n"),
            ("burn", {}, r"\Asignal 24 \(CPU time limit exceeded\), peak"),
            ("flood", {}, r"\Aresult is larger than 1MiB: the program was killed"),
            ("large", {"bytes": 2 << 20}, r"\Aresult is larger than 1MiB: .*--spill DIR\Z")])
        for job in bad:
            self.assertEqual(self.show(job)["crashes"], 0)

    def test_hostile_persistent_programs_crash_with_their_certificate_and_harm_nobody(self):
        self.expect_failures("stay", [
            ("die", {"signal": 9}, r"hostile_program.*\" died: signal 9 \(Killed\)"),
            ("leave", {"code": 3}, r"died: exit code 3" + PEAK),
            ("eat", {}, r"\AMemoryError\Z"),
            ("burn", {}, r"died: signal 24 \(CPU time limit exceeded\)"),
            ("babble", {}, r"broke the protocol \(.*Hello, I am no protocol"),
            ("flood", {}, r"\Aresult is larger than 1MiB: the program was killed")])
        crashed = [job["crashes"] for job in self.jobs("--state", "failed")]
        self.assertEqual(sorted(crashed), [0, 0, 3, 3, 3, 3])

    def test_error_of_a_program_is_one_line_for_a_person_and_whole_in_json(self):
        self.worker()
        job = self.do("once", "nonsense", "--max-attempts", "1")
        self.assertIn("last line: KeyError", self.refuse("job", "wait", job, code=1))
        self.assertIn("\nTraceback (most recent call last):\n", self.show(job)["error"])
        self.assertIn("KeyError: 'nonsense'", self.lines(job))

    def test_exit_code_75_is_tried_again_later_and_is_no_attempt(self):
        self.worker()
        job = self.do("once", "first_leave", "--backoff", "fixed:10ms", "--max-attempts", "1",
                      mark=str(self.folder / "mark"))
        self.assertEqual(self.wait(job), "1\n")

    def test_a_program_learns_of_its_job_and_of_its_store_but_no_password(self):
        self.worker("--exec", f"open=python3 {PROGRAM}")
        job = self.do("once", "surroundings", "--timeout", "1h")
        seen = json.loads(self.wait(job))
        self.assertEqual(seen["PENSTOCK_JOB_ID"], job)
        self.assertEqual(seen["PENSTOCK_TASK"], "once")
        self.assertEqual(seen["PENSTOCK_ATTEMPT"], "1")
        self.assertGreater(int(seen["PENSTOCK_FENCE"]), 0)
        self.assertRegex(seen["PENSTOCK_DEADLINE"], r"\A20\d\d-\d\d-\d\dT[\d:.]+Z\Z")
        self.assertEqual(seen["PENSTOCK_STORE"], self.store)

    def test_a_time_out_kills_the_whole_group(self):
        self.worker()
        for task in ("once", "stay"):
            job = self.do(task, "hang", "--timeout", "700ms", "--max-attempts", "1")
            pids = self.pids(job)
            self.assertEqual(self.failed(job)["error"], "timed out after 700ms")
            self.until_gone(pids)

    def test_a_cancel_kills_the_whole_group(self):
        self.worker()
        for task in ("once", "stay"):
            job = self.do(task, "hang")
            pids = self.pids(job)
            self.assertTrue(all(is_alive(pid) for pid in pids))
            self.run_command("job", "cancel", job)
            self.until_state(job, "cancelled")
            self.until_gone(pids)
        self.wait(self.do("stay", "work"))

    def test_what_a_program_leaves_behind_ends_with_it(self):
        self.worker()
        job = self.do("once", "leave_a_child", n=1)
        self.assertEqual(json.loads(self.wait(job))["n"], 1)
        self.until_gone(self.pids(job))

    def test_no_process_is_left_when_a_worker_is_killed(self):
        worker = self.worker("--concurrency", "3")
        jobs = [self.do("once", "hang"), self.do("stay", "hang"), self.do("stay", "leave_a_child")]
        pids = [pid for job in jobs for pid in self.pids(job)]
        self.wait(jobs[2])  # Its program is idle, and its child lives on.
        self.assertTrue(all(is_alive(pid) for pid in pids))
        worker.send(signal.SIGKILL).wait()
        self.until_gone(pids)

    def test_a_program_that_cannot_start_is_not_started_all_the_time_and_harms_nobody(self):
        self.configure('[tasks.broken]\nexec = "false"\nmode = "persistent"\n' + TABLES)
        self.worker("--concurrency", "2")
        broken = [self.submit("broken") for _ in range(4)]
        good = [self.do("stay", "work", n=n) for n in range(50)]
        for job in good:
            self.wait(job)
        for job in broken[:2]:
            self.until(f"{job} has crashed", lambda job=job: self.show(job)["crashes"] > 0)

    def test_jobs_of_one_program_compute_at_the_same_time(self):
        self.worker("--concurrency", "2")
        for task in ("once", "stay"):
            meeting = self.folder / task
            meeting.mkdir()
            first, second = [json.loads(self.wait(job)) for job in [
                self.do(task, "meet", folder=str(meeting)) for _ in range(2)]]
            self.assertNotEqual(first["pid"], second["pid"])
            self.assertLess(max(first["start"], second["start"]), min(first["end"], second["end"]))

    def test_supervised_workers_have_the_same_programs(self):
        manager = self.worker("--exec", f"typed=python3 {PROGRAM} --persistent", "--exec",
                              f"stay=python3 {PROGRAM} --persistent", "--persistent", processes=2)
        jobs = [self.do("stay", "work", n=n) for n in range(20)]
        self.assertEqual([json.loads(self.wait(job))["n"] for job in jobs], list(range(20)))
        self.assertIn('has no task "typed" (it has: stay)', self.failed(
            self.do("typed", "work"))["error"])
        self.drain(manager)

    def test_a_drain_lets_idle_programs_finish(self):
        self.environment["MARK"] = str(self.folder / "finished")
        worker = self.worker()
        pid = json.loads(self.wait(self.do("stay", "work")))["pid"]
        self.drain(worker)
        self.assertTrue((self.folder / "finished").exists())
        self.until_gone([pid])

    def test_a_section_gives_a_task_its_queue_and_its_policy(self):
        self.configure(TABLES.replace('[tasks.once]', '[tasks.once]\nqueue = "heavy"\n'
                                      'timeout = "700ms"\nmax_attempts = 1')
                       + '[tasks.echo]\nqueue = "light"\npool = "small"\n')
        self.worker()
        job = self.do("once", "work", n=1)
        self.assertEqual(self.show(job)["queue"], "heavy")
        self.wait(job)
        self.assertEqual(self.show(self.do("once", "work", "--queue", "other"))["queue"], "other")
        self.assertEqual(self.failed(self.do("once", "hang"))["error"], "timed out after 700ms")
        echo = self.show(self.submit("echo"))
        self.assertEqual((echo["queue"], echo["pool"]), ("light", "small"))

    def test_list_tasks_names_the_programs(self):
        out = self.run_command("worker", "--list-tasks", "--exec", "new=true").out.split()
        self.assertEqual(out[-3:], ["once", "stay", "new"])

    def test_what_cannot_be_run_is_refused_at_the_start(self):
        for words, code, holding in (
                (["--exec", "a=no-such-program x"], 3, 'task a: program "no-such-program" is not'),
                (["--exec", "a=./missing"], 3, "does not exist"),
                (["--exec", "a=/etc/passwd"], 6, "cannot be run"),
                (["--exec", "a=x 'y"], 2, "a quote is not closed, opened at position 3"),
                (["--exec", "true"], 2, "no NAME=COMMAND"),
                (["--exec", "a b=true"], 2, "task name"),
                (["--exec", "a=true", "--exec", "a=true"], 2, "twice"),
                (["--persistent"], 2, "--exec"),
                (["--spill", "nowhere"], 3, "is no folder"),
                (["--spill-max", "5"], 2, "--spill-max")):
            self.refuse("worker", *words, code=code, holding=holding)

    def test_sections_that_make_no_sense_are_refused_with_their_place(self):
        for text, holding in (
                ('[tasks.a]\nexecute = "true"', ':2:1: unknown key "execute" of a task'),
                ('[tasks.a]\nmemory = "512"', ':2:1: size "512"'),
                ('[tasks.a]\nmemory = 512', ':2:1: size "512"'),
                ('[tasks.a]\n\ncpu = "5"', ':3:1: duration "5"'),
                ('[tasks.a]\nmode = "fork"', ':2:1: mode "fork"'),
                ('[tasks.a]\nmax_attempts = 0', ':2:1: max_attempts "0"'),
                ('[tasks.a]\nexec = ["a", 1]', ':2:14: "exec" is a list of strings'),
                ('[tasks.a]\nexec = []', 'names no program'),
                ('[tasks.a]\nqueue = ["a"]', 'needs one value'),
                ('[tasks."a b"]\nexec = "true"', 'task name'),
                ('[tasks.noop]\nmemory = "1GiB"', "[tasks.noop] is no program"),
                ('tasks = 1', 'unknown key "tasks"')):
            self.configure(text)
            self.refuse("worker", code=2, holding=holding)

    def test_a_large_result_is_spilled_to_a_file(self):
        spilled = self.folder / "spilled"
        spilled.mkdir()
        self.worker("--spill", "spilled", "--spill-max", "4MiB")
        for task in ("once", "stay"):
            job = self.do(task, "large", bytes=2 << 20)
            result = json.loads(self.wait(job))
            self.assertEqual(result["bytes"], (2 << 20) + 2)
            self.assertTrue(os.path.isabs(result["$file"]))
            text = pathlib.Path(result["$file"]).read_text("utf-8")
            self.assertEqual(json.loads(text), "x" * (2 << 20))
            over = self.failed(self.do(task, "large", "--max-attempts", "1", bytes=5 << 20))
            self.assertIn("larger than 4MiB", over["error"])
        echo = self.submit("echo", '"' + "y" * 1000 + '"', "--wait")
        self.assertEqual(len(echo), 1002)
        self.assertEqual(len(list(spilled.iterdir())), 2)


if __name__ == "__main__":
    unittest.main()
