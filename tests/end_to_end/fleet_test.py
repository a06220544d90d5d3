# SPDX-License-Identifier: MIT
"""Worker processes as a fleet: replaced without a gap, told from afar, started as a pool, known to
systemd."""
import json
import os
import pathlib
import signal
import socket
import subprocess
import unittest
import urllib.request

from stage import BIN, PATIENCE, Stage


class FleetStage(Stage):
    def workers(self):
        out = self.run_command("workers", "--json").out
        return [json.loads(line) for line in out.splitlines()]

    def states(self):
        return {worker["worker"]: worker["state"] for worker in self.workers()}

    def pids(self):
        return {worker["pid"] for worker in self.workers()}


class Replaced(FleetStage):
    def test_after_its_last_job_a_worker_has_its_successor_beside_it(self):
        fleet = self.worker("-c", "1", "--max-jobs", "1", processes=2)
        first = self.pids()
        long = self.submit("sleep", '{"ms":300000}')
        self.until_state(long, "running")
        held = self.show(long)["worker"]
        fleet.wait_line("takes no more jobs")
        # The one that holds the long job is still there, and two others take jobs beside it.
        self.until("three workers", lambda: len(self.workers()) == 3)
        self.until("it drains", lambda: self.states()[held] == "draining")
        for number in range(4):
            self.assertEqual(self.wait(self.submit("echo", str(number))).strip(), str(number))
        self.run_command("job", "cancel", long)
        self.until("the old ones are gone", lambda: not first & self.pids())
        self.assertTrue(fleet.alive)
        self.drain(fleet)
        self.assertEqual(self.doctor()["sessions_lost"], 0)

    def test_a_worker_whose_programs_hold_too_much_memory_is_replaced(self):
        program = self.folder / "grows.py"
        program.write_text(
            "import sys, json\nheld = []\n"
            "print('{\"penstock\":1,\"tasks\":[\"grow\"]}', flush=True)\n"
            "for line in sys.stdin:\n    held.append(bytearray(150_000_000))\n"
            "    held[-1][::4096] = bytes(len(held[-1][::4096]))\n"
            "    print(json.dumps({'id': json.loads(line)['id'], 'result': 1}), flush=True)\n",
            "utf-8")
        fleet = self.worker("-c", "1", "--max-rss", "150", "--persistent", "--exec",
                            f"grow=/usr/bin/python3 {program}", processes=2)
        first = self.pids()
        self.wait(self.submit("grow"))
        fleet.wait_line("is above --max-rss")
        fleet.wait_line("takes no more jobs")
        self.until("another takes its place", lambda: len(self.pids() - first) == 1)
        self.wait(self.submit("grow"))
        self.refuse("worker", "--max-rss", "1", code=2, holding="less than a worker needs")

    def test_a_changed_file_of_settings_counts_after_sighup_and_no_job_is_interrupted(self):
        settings = self.folder / "penstock.toml"
        settings.write_text("[worker]\nconcurrency = 1\n", "utf-8")
        fleet = self.worker(processes=2)
        first = self.pids()
        job = self.submit("sleep", '{"ms":1500}')
        self.until_state(job, "running")
        fleet.send(signal.SIGHUP)  # Nothing has changed: this is a rotated log.
        settings.write_text("[worker]\nconcurrency = 3\n", "utf-8")
        fleet.send(signal.SIGHUP)
        fleet.wait_line("is replaced", 2)
        self.assertEqual(len([line for line in fleet.lines if "the settings have changed" in line]),
                         1)
        self.wait(job)
        self.until("the old ones are gone", lambda: not first & self.pids())
        self.assertEqual({worker["concurrency"] for worker in self.workers()}, {3})
        self.assertEqual(self.show(job)["attempt"], 1)

    def test_settings_that_are_wrong_replace_nobody(self):
        settings = self.folder / "penstock.toml"
        settings.write_text("[worker]\nconcurrency = 1\n", "utf-8")
        fleet = self.worker(processes=2)
        first = self.pids()
        settings.write_text("[worker]\nconcurrency = 99999\n", "utf-8")
        fleet.send(signal.SIGHUP)
        fleet.wait_line("does not come up, the old ones stay")
        self.assertEqual(self.pids(), first)
        self.wait(self.submit("echo", "1"))

    def test_settings_that_are_gone_replace_nobody(self):
        settings = self.folder / "penstock.toml"
        settings.write_text("[tasks.say]\nexec = [\"echo\", \"1\"]\n", "utf-8")
        fleet = self.worker(processes=2)
        first = self.pids()
        settings.rename(self.folder / "elsewhere.toml")
        fleet.send(signal.SIGHUP)
        fleet.wait_line("the settings are gone or empty")
        self.assertEqual(self.pids(), first)
        self.assertEqual(self.wait(self.submit("say")).strip(), "1")

    def test_what_every_worker_would_refuse_is_refused_once(self):
        for flags, code, holding in (
                (("-q", "a=0"), 2, "weight 0"), (("-n", "a|b"), 2, 'worker name "a|b-2"'),
                (("-c", "99999"), 2, "concurrency 99999"), (("--spill", "nowhere"), 3, "nowhere"),
                (("--metrics", "65535"), 2, "no port for each of 2"),
                (("--metrics", "0.0.0.0:0"), 6, "--allow-anonymous")):
            self.refuse("worker", "--processes", "2", *flags, code=code, holding=holding)
            self.refuse("pool", "start", "2", *flags, code=code, holding=holding)

    def test_reload_starts_anew_when_a_program_changes(self):
        program = self.folder / "program.py"
        program.write_text("print(1)\n", "utf-8")
        (self.folder / "notes.txt").write_text("", "utf-8")
        fleet = self.worker("--reload", "--exec", f"say=/usr/bin/python3 {program}")
        self.assertEqual(self.wait(self.submit("say")).strip(), "1")
        (self.folder / "notes.txt").write_text("no program", "utf-8")
        program.write_text("print(2)\n", "utf-8")
        fleet.wait_line("program.py has changed")
        fleet.wait_line("is replaced")
        self.assertEqual(self.wait(self.submit("say")).strip(), "2")
        (self.folder / "module.py").write_text("", "utf-8")
        fleet.wait_line("module.py has changed")
        self.assertFalse([line for line in fleet.lines if "notes.txt has changed" in line])


class Told(FleetStage):
    def test_workers_rest_go_on_and_end_when_told_by_name(self):
        quiet, other = self.worker("-n", "a"), self.worker("-n", "b")
        self.run_command("workers", "quiet", "a")
        self.until("a rests", lambda: self.states() == {"a": "quiet", "b": "running"})
        self.run_command("workers", "resume", "a")
        self.until("a works", lambda: self.states() == {"a": "running", "b": "running"})
        session = [worker["session"] for worker in self.workers() if worker["worker"] == "b"][0]
        self.assertEqual(json.loads(self.run_command("workers", "stop", session, "--json").out),
                         {"told": 1})
        self.assertEqual(other.wait(), 0)
        self.run_command("workers", "stop", "a")
        self.assertEqual(quiet.wait(), 0)

    def test_a_stopped_worker_finishes_its_job_and_is_not_started_again(self):
        fleet = self.worker("-c", "1", "-n", "w", processes=2)
        job = self.submit("sleep", '{"ms":700}')
        self.until_state(job, "running")
        self.run_command("workers", "stop", "w-1", "w-2")
        self.assertEqual(fleet.wait(), 0)
        self.assertEqual(self.show(job)["state"], "succeeded")

    def test_nobody_of_that_name_is_an_error(self):
        self.refuse("workers", "stop", "ghost", code=3, holding="no live worker is named")
        self.refuse("workers", "dance", "a", code=2, holding="quiet, resume or stop")
        self.refuse("workers", "quiet", code=2, holding="names of workers")


class Pool(FleetStage):
    def start_pool(self, *words):
        pool = subprocess.Popen([BIN / "penstock", "pool", "start", *words], cwd=self.folder,
                                env=self.environment, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)

        def end():
            pool.kill()
            pool.wait()
            pool.stdout.close()
        self.addCleanup(end)
        return pool

    def test_starts_says_so_and_is_seen_and_stopped_from_elsewhere(self):
        pool = self.start_pool("3", "-c", "1")
        said = [pool.stdout.readline() for _ in range(4)]
        self.assertEqual(said[:3], [f"[{i}/3] Starting worker-{i}...\n" for i in (1, 2, 3)])
        self.assertIn("All 3 workers started", said[3])
        status = self.run_command("pool", "status").out.splitlines()
        self.assertEqual(status[0], f"pool of 3 workers under PID {pool.pid}")
        self.assertEqual(sorted(self.states()), ["worker-1", "worker-2", "worker-3"])
        self.refuse("pool", "start", "2", code=6, holding="runs here already")
        job = self.submit("sleep", '{"ms":700}')
        self.until_state(job, "running")
        self.run_command("pool", "stop")
        self.assertEqual(pool.wait(PATIENCE), 0)
        self.assertEqual(self.show(job)["state"], "succeeded")
        self.refuse("pool", "status", code=3, holding="no pool of this store")

    def test_ctrl_c_drains_and_a_killed_pool_does_not_block_the_next(self):
        pool = self.start_pool("1")
        pool.stdout.readline(), pool.stdout.readline()
        pool.send_signal(signal.SIGINT)
        self.assertEqual(pool.wait(PATIENCE), 0)
        second = self.start_pool("1")
        second.stdout.readline(), second.stdout.readline()
        second.kill()
        second.wait(PATIENCE)
        third = self.start_pool("1")
        third.stdout.readline()
        self.assertIn("All 1 workers", third.stdout.readline())

    def test_refuses_what_is_no_number_of_workers(self):
        for words in ((), ("0",), ("x",), ("2", "3"), ("5000",)):
            self.refuse("pool", "start", *words, code=2, holding="number of workers")


class ServiceManager(FleetStage):
    def setUp(self):
        super().setUp()
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.socket.close)
        path = str(self.folder / "notify")
        self.socket.bind(path)
        self.socket.settimeout(PATIENCE)
        self.environment |= {"NOTIFY_SOCKET": path}

    def test_hears_when_a_worker_takes_jobs(self):
        self.start("worker")
        self.assertEqual(self.socket.recv(100), b"READY=1")
        self.assertEqual(len(self.workers()), 1)

    def test_hears_once_of_a_fleet_and_when_it_stops(self):
        fleet = self.start("worker", "--processes", "3")
        self.assertEqual(self.socket.recv(100), b"READY=1")
        self.assertEqual(len(self.workers()), 3)
        fleet.send(signal.SIGTERM)
        self.assertEqual(self.socket.recv(100), b"STOPPING=1")

    def test_the_unit_that_is_shipped_starts_a_worker_and_waits_for_it(self):
        unit = pathlib.Path(os.environ.get("PENSTOCK_SOURCE_DIR", "."),
                            "deploy/systemd/penstock-worker.service").read_text("utf-8")
        self.assertIn("Type=notify", unit)
        self.assertIn("ExecReload=/bin/kill -HUP $MAINPID", unit)


class Metrics(FleetStage):
    def read(self, line, path="/metrics"):
        address = line.split("http://")[1].removesuffix("/metrics")
        with urllib.request.urlopen(f"http://{address}{path}", timeout=PATIENCE) as answer:
            return answer.read().decode()

    def test_counters_are_served_and_travel_with_the_beats(self):
        worker = self.start("worker", "--metrics", "0")
        line = worker.wait_line("metrics: http://127.0.0.1:")
        self.assertEqual(self.read(line, "/healthz"), "ok\n")
        for number in range(3):
            self.wait(self.submit("echo", str(number), "--queue", "default"))
        self.wait(self.submit("fail", '{"times":1}', "--backoff", "fixed:1ms"))
        retried = 'penstock_job_retries_total{queue="default",task="fail"} 1'
        self.until("the retry is counted", lambda: retried in self.read(line))
        counted = 'penstock_jobs_finished_total{queue="default",task="echo",outcome="succeeded"} 3'
        self.until("they are counted", lambda: counted in self.read(line))
        text = self.read(line)
        self.assertIn('penstock_job_run_seconds_count{queue="default",task="echo"} 3', text)

        def told():
            tally = {one["task"]: one for one in self.workers()[0]["tally"]}
            return tally.get("fail", {}).get("succeeded") == 1 and tally
        tally = self.until("a beat has told it", told)
        self.assertEqual((tally["echo"]["succeeded"], tally["fail"]["retried"]), (3, 1))
        self.assertEqual(sum(tally["echo"]["wait"]["counts"]), 3)

    def test_a_successor_takes_over_the_port(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        fleet = self.start("worker", "--reload", "--max-jobs", "1", "-c", "1", "--metrics", port)
        fleet.wait_line("metrics: ")
        job = self.submit("sleep", '{"ms":1000}')
        fleet.wait_line("metrics: ", 2)
        self.assertFalse([line for line in fleet.lines if "cannot listen" in line])
        self.wait(job)

    def test_any_free_port_is_one_for_each_process(self):
        fleet = self.start("worker", "--processes", "3", "--metrics", "0")
        lines = [fleet.wait_line("metrics: http://127.0.0.1:", number) for number in (1, 2, 3)]
        ports = {int(line.split(":")[-1].split("/")[0]) for line in lines}
        self.assertEqual(len(ports), 3)
        self.assertGreaterEqual(min(ports), 1024)

    def test_other_machines_are_not_served_unless_asked_for(self):
        self.refuse("worker", "--metrics", "0.0.0.0:0", code=6, holding="--allow-anonymous")
        self.refuse("worker", "--metrics", "here", code=2, holding="write PORT")


class Aliases(FleetStage):
    def test_variables_of_other_systems_are_settings_here(self):
        self.environment |= {"SOLVER_WORKERS": "3", "RESULT_TTL_SECONDS": "300",
                             "WORKER_ID": "w7", "MAX_CONCURRENT_TASKS": "5"}
        shown = json.loads(self.run_command("config", "show", "--json").out)
        for key, value, origin in (("worker.processes", "3", "SOLVER_WORKERS"),
                                   ("retention.succeeded.age", "300s", "RESULT_TTL_SECONDS"),
                                   ("worker.name", "w7", "WORKER_ID"),
                                   ("worker.concurrency", "5", "MAX_CONCURRENT_TASKS")):
            self.assertEqual(shown[key], {"value": value, "from": origin})
        self.environment |= {"PENSTOCK_CONCURRENCY": "2"}
        shown = json.loads(self.run_command("config", "show", "--json").out)
        self.assertEqual(shown["worker.concurrency"]["value"], "2")
        fleet = self.start("worker")
        fleet.wait_line("started (PID: ", 3)
        self.until("three are there",
                   lambda: sorted(self.states()) == ["w7-1", "w7-2", "w7-3"])


if __name__ == "__main__":
    unittest.main()
