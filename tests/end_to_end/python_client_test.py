# SPDX-License-Identifier: MIT
"""The Python client with a real worker and a real store: what examples/python shows, and what goes
wrong in the programs of a user."""
import json
import os
import signal
import subprocess
import unittest

from stage import BIN, PATIENCE, SOURCE, Stage

CLIENT = SOURCE / "clients/python"
EXAMPLE = SOURCE / "examples/python"

TASKS = """
import os, signal, subprocess, sys, time
import penstock

@penstock.task
def add(x, y):
    return x + y

@penstock.task
def dies(signal_number):
    print("my last words", file=sys.stderr, flush=True)
    os.kill(os.getpid(), signal_number)

@penstock.task
def garbage():
    os.write(penstock_out(), b"this is no JSON\\n")

def penstock_out():
    return penstock.current()._program._out

@penstock.task
def burns(until_seen):
    open(until_seen + "." + str(os.getpid()), "w").close()
    while len([name for name in os.listdir(".") if name.startswith(until_seen)]) < 2:
        sum(range(1000))
    return os.getpid()

@penstock.task
def waits():
    child = subprocess.Popen(["sleep", "600"])
    print(f"child {child.pid} of {os.getpid()}", flush=True)
    job = penstock.current()
    while not job.cancelled:
        pass
    job.check()

if __name__ == "__main__":
    penstock.run()
"""
NAMES = "add", "dies", "garbage", "burns", "waits"


class PythonStage(Stage):
    def setUp(self):
        super().setUp()
        self.environment |= {"PYTHONPATH": str(CLIENT), "PYTHONDONTWRITEBYTECODE": "1",
                             "PENSTOCK_BIN": str(BIN / "penstock")}
        (self.folder / "tasks.py").write_text(TASKS, "utf-8")

    def python_worker(self, *flags, names=NAMES, file="tasks.py", **more):
        programs = [word for name in names
                    for word in ("--exec", f"{name}=/usr/bin/python3 {file}")]
        return self.worker("--persistent", *programs, *flags, **more)

    def python(self, text, folder=None):
        done = subprocess.run(["/usr/bin/python3", "-c", text], env=self.environment,
                              cwd=folder or self.folder, capture_output=True, text=True,
                              timeout=PATIENCE, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout


class TheExample(PythonStage):
    def test_runs_as_it_stands(self):
        self.python_worker("-c", "2", names=("price", "invoice", "ship"),
                           file=EXAMPLE / "tasks.py")
        shop = (EXAMPLE / "shop.py").read_text("utf-8")
        self.assertEqual(self.python(shop, EXAMPLE).splitlines(),
                         ["240.0", "129.0", "order 71 is on its way", "failed: True"])

    def test_what_a_task_prints_is_in_its_log(self):
        self.python_worker(names=("invoice",), file=EXAMPLE / "tasks.py")
        job = self.submit("invoice", '{"customer": "Ada", "items": ["lamp"]}')
        self.wait(job)
        self.assertIn("invoice for Ada", self.run_command("job", "logs", job).out)


class Words(PythonStage):
    def test_what_looks_like_a_flag_is_none(self):
        self.worker()
        said = self.python("""
import penstock
for wrong in (lambda: penstock.submit("--help"), lambda: penstock.Job("--help").wait(),
              lambda: penstock.Job("").show(), lambda: penstock.submit("echo", queue="")):
    try:
        wrong()
    except (penstock.Invalid, penstock.NotFound) as error:
        print(type(error).__name__)
job = penstock.submit("echo", 1, id="-x", unique="--quiet", tags={"-a": "--b=c"}, keep="full")
print(job.wait(timeout=30), job.show()["id"], job.show()["tags"])
print([one.wait(timeout=30) for one in penstock.submit_many("echo", [1, 2])])
""")
        self.assertEqual(said.splitlines(), ["Invalid", "NotFound", "NotFound", "Invalid",
                                             "1 -x {'-a': '--b=c'}", "[1, 2]"])


class WhatGoesWrong(PythonStage):
    def test_a_program_that_dies_costs_its_job_a_crash_and_nobody_else_anything(self):
        self.python_worker("-c", "1")
        before = self.submit("add", "[1, 2]")
        dies = self.submit("dies", '{"signal_number": 9}')
        after = self.submit("add", "[3, 4]")
        self.assertEqual(self.wait(after).strip(), "7")
        self.assertEqual(self.wait(before).strip(), "3")
        self.wait(dies, code=1)
        seen = self.show(dies)
        self.assertEqual((seen["state"], seen["crashes"]), ("failed", 3))
        for words in "signal 9", "my last words", "MiB":
            self.assertIn(words, seen["error"])

    def test_garbage_ends_the_program_and_not_the_worker(self):
        worker = self.python_worker("-c", "1")
        self.wait(self.submit("garbage"), code=1)
        self.assertEqual(self.wait(self.submit("add", "[1, 2]")).strip(), "3")
        self.assertTrue(worker.alive)

    def test_cancel_ends_a_task_and_its_children(self):
        self.python_worker("-c", "1")
        job = self.submit("waits")
        line = self.until("a log line", lambda: self.run_command("job", "logs", job).out)
        child = int(line.split("child ")[1].split()[0])
        self.run_command("job", "cancel", job)
        self.until_state(job, "cancelled")
        self.drain_all()
        self.until("the child is gone", lambda: not os.path.exists(f"/proc/{child}/fd"))

    def drain_all(self):
        for record in self.run_command("workers", "--json").out.splitlines():
            os.kill(json.loads(record)["pid"], signal.SIGTERM)

    def test_two_programs_compute_at_the_same_time(self):
        self.python_worker("-c", "1", processes=2)
        jobs = [self.submit("burns", '{"until_seen": "seen"}') for _ in range(2)]
        # Each ends only when it has seen the other: one after the other they would never end.
        self.assertEqual(len({self.wait(job) for job in jobs}), 2)


if __name__ == "__main__":
    unittest.main()
