# SPDX-License-Identifier: MIT
"""The Python client's side of the protocol, with this test as the worker. How a real worker and it
get along: tests/end_to_end/python_client_test.py."""
import ast
import datetime
import json
import os
import pathlib
import signal
import subprocess
import sys
import textwrap
import unittest

import penstock

HERE = pathlib.Path(__file__).resolve().parent


class Program:
    """A program of tasks that runs, and what a worker says to it."""

    def __init__(self, tasks, **environment):
        text = "import penstock\n" + textwrap.dedent(tasks) + "\npenstock.run()\n"
        self.process = subprocess.Popen(
            [sys.executable, "-c", text], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True,
            env={**os.environ, "PYTHONPATH": str(HERE), "PYTHONDONTWRITEBYTECODE": "1",
                 **environment})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        for stream in self.process.stdin, self.process.stdout, self.process.stderr:
            stream.close()

    def hear(self):
        return json.loads(self.process.stdout.readline())

    def say(self, **message):
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()

    def hand(self, task, payload, job="j", **more):
        self.say(id=job, task=task, attempt=1, fence=3, deadline=None, payload=payload, **more)

    def answer(self, task, payload, **more):
        """The last message of a job; those before it are in `self.before`."""
        self.hand(task, payload, **more)
        self.before = []
        while True:
            message = self.hear()
            if "result" in message or "error" in message:
                return message
            self.before.append(message)


class PersistentProgram(unittest.TestCase):
    TASKS = """
    import dataclasses, datetime, os, subprocess, sys

    @penstock.task
    def add(x, y=10):
        return x + y

    @penstock.task(name="mail.send", no_retry_for=(KeyError,))
    def send(**fields):
        return fields["to"]

    @penstock.task(unpack=False)
    def whole(payload):
        return payload

    @penstock.task
    async def later(n):
        raise penstock.Retry("not yet", after=datetime.timedelta(seconds=n))

    @penstock.task
    def never():
        raise penstock.NoRetry("hopeless")

    @penstock.task
    def ends():
        sys.exit(3)

    @penstock.task
    def noisy():
        print("to stdout")
        os.write(1, b"even so\\n")
        penstock.current().log("a line")
        penstock.current().progress(2, "over")
        return None

    @dataclasses.dataclass
    class Point:
        x: int
        at: datetime.date

    @penstock.task
    def odd(what):
        return {"point": Point(1, datetime.date(2026, 1, 2)), "nan": float("nan"),
                "object": object()}[what]

    @penstock.task
    def forks():
        if os.fork() == 0:
            penstock.current().log("from a child")
            os._exit(0)
        os.wait()
        return penstock.current().fence

    @penstock.task
    def comes_back_twice():
        pid = os.fork()
        if pid:
            return os.waitpid(pid, 0)[1]
        return "child"

    @penstock.task
    def reads():
        return [sys.stdin.read(), subprocess.run(["cat"], capture_output=True).stdout.decode()]

    @penstock.task
    def loops():
        penstock.current().log("looping")
        while True:
            penstock.current().check()
    """

    def setUp(self):
        self.program = Program(self.TASKS)
        self.addCleanup(self.program.__exit__)
        self.hello = self.program.hear()

    def test_says_first_which_tasks_it_has(self):
        self.assertEqual(self.hello["penstock"], 1)
        self.assertIn("mail.send", self.hello["tasks"])

    def test_an_object_names_the_arguments_and_a_list_gives_them_in_order(self):
        self.assertEqual(self.program.answer("add", {"x": 1, "y": 2})["result"], 3)
        self.assertEqual(self.program.answer("add", [5])["result"], 15)
        self.assertEqual(self.program.answer("add", 7)["result"], 17)

    def test_a_payload_that_the_function_does_not_take_fails_for_good(self):
        error = self.program.answer("add", {"z": 1})["error"]
        self.assertFalse(error["retry"])
        self.assertIn("payload of add", error["message"])

    def test_the_whole_payload_is_the_argument_when_asked_for(self):
        self.assertEqual(self.program.answer("whole", {"x": [1]})["result"], {"x": [1]})

    def test_an_exception_is_a_failure_with_its_trace_in_the_log(self):
        error = self.program.answer("add", ["a", 1])["error"]
        self.assertTrue(error["retry"])
        self.assertIn("TypeError", error["message"])
        self.assertIn("Traceback", self.program.before[0]["log"])

    def test_exceptions_that_no_retry_can_help_are_named_by_the_task(self):
        self.assertEqual(self.program.answer("mail.send", {"to": "ada"})["result"], "ada")
        self.assertFalse(self.program.answer("mail.send", {})["error"]["retry"])

    def test_retry_after_a_while_and_no_retry_are_raised(self):
        self.assertEqual(self.program.answer("later", {"n": 2})["error"],
                         {"message": "not yet", "retry": True, "after_ms": 2000})
        self.assertEqual(self.program.answer("never", None)["error"],
                         {"message": "hopeless", "retry": False})

    def test_sys_exit_ends_the_job_and_not_the_program(self):
        self.assertEqual(self.program.answer("ends", None)["error"]["message"], "SystemExit: 3")
        self.assertEqual(self.program.answer("add", [1])["result"], 11)

    def test_what_a_task_prints_does_not_get_between_the_messages(self):
        self.assertIsNone(self.program.answer("noisy", None)["result"])
        self.assertEqual([sorted(message) for message in self.program.before],
                         [["id", "log"], ["id", "message", "progress"]])
        self.assertEqual(self.program.before[1]["progress"], 1.0)
        said = [self.program.process.stderr.readline() for _ in range(2)]
        self.assertEqual(said, ["to stdout\n", "even so\n"])

    def test_results_without_a_form_in_json_fail_and_say_so(self):
        self.assertEqual(self.program.answer("odd", ["point"])["result"],
                         {"x": 1, "at": "2026-01-02"})
        for what in "nan", "object":
            error = self.program.answer("odd", [what])["error"]
            self.assertFalse(error["retry"])
            self.assertIn("result of odd", error["message"])

    def test_a_forked_child_does_not_speak_for_the_job(self):
        self.assertEqual(self.program.answer("forks", None)["result"], 3)
        self.assertEqual(self.program.before, [])

    def test_a_forked_child_that_comes_back_ends_and_takes_no_jobs(self):
        # Its parent waits for its end before it answers.
        self.assertEqual(self.program.answer("comes_back_twice", None)["result"], 0)
        self.assertEqual(self.program.answer("add", [1])["result"], 11)
        self.assertEqual(self.program.before, [])

    def test_a_task_that_reads_stdin_finds_nothing_and_leaves_the_next_job_alone(self):
        self.program.hand("reads", None, job="reads")
        self.program.hand("add", [1], job="next")
        self.assertEqual(self.program.hear(), {"id": "reads", "result": ["", ""]})
        self.assertEqual(self.program.hear(), {"id": "next", "result": 11})

    def test_cancel_reaches_a_task_that_looks(self):
        self.program.hand("loops", None, job="long")
        self.assertEqual(self.program.hear()["log"], "looping")
        self.program.say(cancel="long")
        self.assertTrue(self.program.hear()["error"]["cancelled"])
        self.assertEqual(self.program.answer("add", [1])["result"], 11)

    def test_jobs_that_are_handed_over_ahead_are_run_in_order(self):
        for number in range(50):
            self.program.hand("add", [number, 0], job=str(number))
        self.assertEqual([self.program.hear() for _ in range(50)],
                         [{"id": str(number), "result": number} for number in range(50)])

    def test_an_unknown_task_fails_for_good_and_names_what_is_there(self):
        error = self.program.answer("other", None)["error"]
        self.assertFalse(error["retry"])
        self.assertIn("mail.send", error["message"])

    def test_ends_when_its_worker_is_gone(self):
        self.program.process.stdin.close()
        self.assertEqual(self.program.process.wait(30), 0)


class ProgramForOneJob(unittest.TestCase):
    def run_task(self, payload, body, **environment):
        with Program(f"@penstock.task\ndef t(*args):\n    {body}", PENSTOCK_JOB_ID="j",
                     PENSTOCK_TASK="t", PENSTOCK_ATTEMPT="2", PENSTOCK_FENCE="9",
                     **environment) as program:
            out, err = program.process.communicate(payload, timeout=30)
            return program.process.returncode, out, err

    def test_prints_the_result_alone(self):
        code, out, err = self.run_task("[1,2]", "print('x'); return sum(args)")
        self.assertEqual((code, out), (0, "3"))
        self.assertIn("x", err)

    def test_knows_its_job(self):
        code, out, _ = self.run_task("", "job = penstock.current(); "
                                     "return [job.attempt, job.fence, job.remaining()]")
        self.assertEqual((code, json.loads(out)), (0, [2, 9, None]))

    def test_a_forked_child_that_comes_back_prints_no_result(self):
        code, out, _ = self.run_task("", "import os; pid = os.fork(); "
                                     "return os.waitpid(pid, 0)[1] if pid else 'child'")
        self.assertEqual((code, out), (0, "0"))

    def test_asks_for_a_later_try_by_its_exit_code(self):
        self.assertEqual(self.run_task("", "raise penstock.Retry(after=1)")[0], 75)
        self.assertEqual(self.run_task("", "raise penstock.NoRetry('never')")[0], 65)
        code, out, err = self.run_task("", "raise ValueError('bad')")
        self.assertEqual((code, out), (1, ""))
        self.assertTrue(err.endswith("ValueError: bad\n"))


class Submitting(unittest.TestCase):
    def test_payloads_name_their_arguments(self):
        def function(a, b=2, **more):
            return a, b, more
        task = penstock.Task(function, "f", {}, True, ())
        self.assertEqual(task.payload(1, b=3), {"a": 1, "b": 3})
        self.assertEqual(task.payload(1, c=4), {"a": 1, "c": 4})
        with self.assertRaises(TypeError):
            task.payload()

    def test_unknown_options_are_refused_where_they_are_written(self):
        with self.assertRaisesRegex(TypeError, "prioriti.*known are"):
            penstock.task(prioriti=3)(len)
        with self.assertRaisesRegex(TypeError, "known are"):
            penstock.submit("t", colour="red")

    def test_a_time_without_a_zone_is_refused(self):
        with self.assertRaisesRegex(TypeError, "time zone"):
            penstock.submit("t", at=datetime.datetime(2026, 1, 1))

    def test_a_tag_that_would_be_another_is_refused(self):
        with self.assertRaisesRegex(penstock.Invalid, "a=b"):
            penstock.submit("t", tags={"a=b": "c"})

    def test_a_missing_program_is_unavailable_and_says_what_to_do(self):
        os.environ["PENSTOCK_BIN"] = "/nowhere/penstock"
        self.addCleanup(os.environ.pop, "PENSTOCK_BIN")
        with self.assertRaisesRegex(penstock.Unavailable, "PENSTOCK_BIN"):
            penstock.submit("t")

    def test_there_is_no_job_outside_of_one(self):
        with self.assertRaises(RuntimeError):
            penstock.current()

    def test_the_file_is_python_3_9(self):
        ast.parse((HERE / "penstock.py").read_text("utf-8"), feature_version=(3, 9))


if __name__ == "__main__":
    signal.alarm(120)
    unittest.main()
