# SPDX-License-Identifier: MIT
"""Whatever comes in: one line that says what, with which value, and what to do; nothing is lost."""
import os
import resource
import signal
import sqlite3
import subprocess
import unittest

from stage import BIN, PATIENCE, SOURCE, Redis, Stage

MIB = 1 << 20


class Payloads(Stage):
    def setUp(self):
        super().setUp()
        self.kept = self.submit("echo", "1")

    def tearDown(self):
        self.assertEqual([job["id"] for job in self.jobs()], [self.kept])

    def test_malformed_json(self):
        for text in ("{", '{"a":}', "nul", "", "[1,]", "'a'", '"\\ud800"', '{"a":1} 2', "NaN"):
            self.refuse("submit", "echo", text, code=2, holding="payload")

    def test_bytes_that_are_no_text(self):
        (self.folder / "bytes").write_bytes(b'"\xff\xfe"')
        self.refuse("submit", "echo", "@bytes", code=2, holding="payload")

    def test_a_hundred_thousand_levels(self):
        for text in ("[" * 100_000, "[" * 100_000 + "]" * 100_000, '{"a":' * 100_000):
            (self.folder / "deep").write_text(text)
            self.refuse("submit", "echo", "@deep", code=2, holding="64")
            self.run_command("submit", "--batch", "deep", code=2)

    def test_five_mebibytes(self):
        (self.folder / "big").write_text('"' + "x" * (5 * MIB) + '"')
        self.assertIn("1048576", self.refuse("submit", "echo", "@big", code=2))
        (self.folder / "batch").write_text('{"task":"echo","payload":"' + "x" * (5 * MIB) + '"}')
        self.assertIn("batch:1: ", self.run_command("submit", "--batch", "batch", code=2).err)

    def test_payload_file_that_is_not_there(self):
        self.refuse("submit", "echo", "@nowhere", code=3, holding="nowhere")
        self.refuse("submit", "--batch", "nowhere", code=3, holding="nowhere")


class Values(Stage):
    def test_durations_and_times(self):
        for text in ("-5s", "10", "soon", "", "5 s", "1.5h", "99999999999d", "s"):
            self.refuse("submit", "echo", "1", f"--delay={text}", code=2, holding="--delay")
        for flag in ("--timeout", "--expires", "--retry-for", "--result-ttl"):
            self.refuse("submit", "echo", "1", flag, "7", code=2, holding=flag)
        self.refuse("submit", "echo", "1", "--at", "tomorrow", code=2, holding="tomorrow")
        self.refuse("submit", "echo", "1", "--wait=soon", code=2, holding="--wait")
        self.refuse("submit", "echo", "1", "--delay", "1s", "--at", "2030-01-01T00:00:00Z", code=2)
        self.assertEqual(self.jobs(), [])

    def test_names(self):
        for name in ("", "x" * 1000, "a\nb", "a{b", "a b", "-a", "é", "a\tb", "\x01a", "[a]"):
            self.refuse("submit", "--", name, code=2)
            self.refuse("submit", "echo", "1", f"--queue={name}", code=2)
            if name:
                self.refuse("submit", "echo", "1", f"--pool={name}", code=2)
                self.refuse("submit", "echo", "1", f"--id={name}" + "/", code=2)
                self.refuse("queue", "pause", "--", name, code=2)
                self.refuse("worker", "--burst", f"--queues={name}", code=2)
        self.assertEqual(self.jobs(), [])

    def test_numbers(self):
        for flag, text in (("--priority", "11"), ("--priority", "-1"), ("--priority", "high"),
                           ("--max-attempts", "0"), ("--max-attempts", "1.5"), ("--count", "0"),
                           ("--count", "99999999999999999999"), ("--backoff", "sometimes"),
                           ("--backoff", "fixed:5"), ("--ack", "maybe"), ("--keep", "half"),
                           ("--tag", "no-equals"), ("--tag", "=v"), ("--tag", "k=" + "v" * 300)):
            self.refuse("submit", "echo", "1", f"{flag}={text}", code=2)
        for flag, text in (("--concurrency", "many"), ("--processes", "0"), ("--processes", "-1"),
                           ("--processes", "5000"), ("--grace", "30"), ("--max-jobs", "x"),
                           ("--concurrency", "-3"), ("--concurrency", "1000000"),
                           ("--queues", "a=x"), ("--queues", "a=0"), ("--log-level", "loud")):
            self.refuse("worker", "--burst", f"{flag}={text}", code=2)
        self.assertEqual(self.jobs(), [])

    def test_too_many_tags(self):
        tags = [word for i in range(17) for word in ("--tag", f"k{i}=v")]
        self.refuse("submit", "echo", "1", *tags, code=2, holding="16")

    def test_words_and_flags_that_do_not_exist(self):
        for words in (["sumbit"], [], ["submit"], ["submit", "a", "1", "2"], ["job"],
                      ["job", "show"], ["queue", "pause"], ["submit", "echo", "--nonsense"],
                      ["workers", "quiet"], ["job", "cancel"]):
            self.refuse(*words, code=2)


class Stores(Stage):
    def refuse_store(self, url, code, holding=""):
        for words in (["submit", "echo", "1"], ["queue", "list"], ["doctor"], ["worker", "--burst"],
                      ["worker", "--burst", "--processes", "2"]):
            self.refuse(*words, "--store", url, code=code, holding=holding)

    def test_urls_that_mean_nothing(self):
        for url in ("jobs.db", "nonsense:", "sqlite:", "sqlite::disk:", "sqlite:a.db?shards=2",
                    "sqlite::memory:?pre=a", "x" * 5000, "a\nb", "redis"):
            self.refuse_store(url, 2, "store URL")

    def test_several_processes_in_memory(self):
        self.refuse("worker", "--processes", "2", "--store", "sqlite::memory:", code=2)

    def test_folder_instead_of_a_file(self):
        self.refuse_store(f"sqlite:{self.folder}", 4, str(self.folder))

    def test_file_that_is_no_database(self):
        path = self.folder / "garbage.db"
        path.write_bytes(os.urandom(100_000))
        before = path.read_bytes()
        self.refuse_store(f"sqlite:{path}", 2, str(path))
        self.assertEqual(path.read_bytes(), before)

    def test_database_of_another_program(self):
        path = self.folder / "theirs.db"
        with sqlite3.connect(path) as theirs:
            theirs.execute("CREATE TABLE cats (name TEXT)")
        theirs.close()
        self.refuse_store(f"sqlite:{path}", 2, str(path))

    def test_database_of_another_layout(self):
        self.submit("echo", "1")
        with sqlite3.connect(self.folder / "jobs.db") as ours:
            layout = ours.execute("PRAGMA user_version").fetchone()[0]
            ours.execute("PRAGMA user_version = 999")
        self.refuse_store(self.store, 6, "999")
        ours.execute(f"PRAGMA user_version = {layout}")
        ours.close()
        self.assertEqual(len(self.jobs()), 1)

    def test_database_with_a_broken_page_loses_nothing_silently(self):
        self.run_command("submit", "echo", "-", stdin='"' + "x" * 500_000 + '"')
        self.worker("--burst").wait()
        path = self.folder / "jobs.db"
        with sqlite3.connect(path) as ours:
            ours.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        ours.close()
        text = path.read_bytes()
        path.write_bytes(text[:4096] + b"\xff" * (len(text) - 4096))
        self.refuse("job", "list", code=1, holding=f"{path} is corrupt")

    def test_full_disk_loses_nothing_that_was_accepted(self):
        kept = self.submit("echo", "1")
        (self.folder / "big").write_text('"' + "x" * 900_000 + '"')

        def no_room():  # Files may not grow further, as if the disk were full.
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, 600_000))

        full = subprocess.run(
            [str(BIN / "penstock"), "--quiet", "submit", "echo", "@big"], env=self.environment,
            cwd=self.folder, preexec_fn=no_room, restore_signals=False, capture_output=True,
            text=True, timeout=PATIENCE, check=False)
        self.assertEqual((full.returncode, full.stdout), (4, ""))
        self.assertRegex(full.stderr, r"\A[^\n]*(full|disk|I/O)[^\n]*\n\Z")
        self.worker("--burst").wait()
        self.assertEqual([job["id"] for job in self.jobs("--state", "succeeded")], [kept])

    @unittest.skipIf(os.geteuid() == 0, "root may write anywhere")
    def test_read_only_folder(self):
        folder = self.folder / "locked"
        folder.mkdir(mode=0o500)
        self.refuse_store(f"sqlite:{folder}/jobs.db", 4, str(folder))

    def test_unsafe_store_is_refused_when_safety_is_required(self):
        self.refuse("submit", "echo", "1", "--store", "sqlite::memory:", "--require-safe-store",
                    code=6)

    def test_unsafe_store_is_refused_by_workers_too(self):
        redis = Redis(self.folder)
        self.addCleanup(redis.end)
        self.assertEqual(redis.ask("CONFIG", "SET", "appendonly", "no"), "OK")
        self.environment["PENSTOCK_STORE"] = redis.url
        for processes in (1, 2):
            self.refuse("worker", "--burst", "--require-safe-store", "--processes", processes,
                        code=6, holding="would forget every job")


class Settings(Stage):
    def write(self, text):
        (self.folder / "penstock.toml").write_text(text)

    def test_unknown_key_is_named_with_its_place(self):
        self.write("[worker]\nconcurrency = 2\nconcurency = 3\n")
        self.refuse("queue", "list", code=2, holding="penstock.toml:3:1: unknown key")

    def test_broken_file_is_named_with_its_place(self):
        self.write("[worker\n")
        self.refuse("queue", "list", code=2, holding="penstock.toml:1:")

    def test_values_of_the_wrong_kind(self):
        self.write("[worker]\nconcurrency = 1.5\n")
        self.refuse("worker", "--burst", code=2, holding="penstock.toml:2:")
        self.write('[worker]\ngrace = "soon"\n')
        self.refuse("worker", "--burst", code=2, holding="soon")

    def test_file_that_is_not_there(self):
        self.refuse("queue", "list", "--config", "nowhere.toml", code=3, holding="nowhere.toml")

    def test_flag_before_environment_before_file(self):
        self.write('store = "sqlite:file.db"\n')
        del self.environment["PENSTOCK_STORE"]
        self.assertIn("from penstock.toml", self.run_command("submit", "echo").err)
        self.environment["PENSTOCK_STORE"] = self.store
        self.assertIn("from PENSTOCK_STORE", self.run_command("submit", "echo").err)
        done = self.run_command("submit", "echo", "--store", "sqlite:flag.db")
        self.assertIn("sqlite:" + str(self.folder / "flag.db") + " (from --store)", done.err)


class Roster(Stage):
    program = "penstock-roster"

    def refuse_text(self, text, holding=""):
        (self.folder / "in.txt").write_text(text)
        self.refuse("solve", "in.txt", code=2, holding=holding)

    def sample(self):
        return (SOURCE / "apps/roster/instances/instance1.txt").read_text()

    def test_roster_files(self):
        self.refuse("solve", "nowhere.txt", code=3, holding="nowhere.txt")
        self.refuse("solve", code=2)
        self.refuse_text("")
        self.refuse_text("{")
        self.refuse_text("[" * 100_000)
        self.refuse_text('{"a":' * 100_000)
        self.refuse_text(self.sample() + "\nSECTION_NONSENSE\nx\n", "SECTION_NONSENSE")
        self.refuse_text(self.sample().replace("\n14\n", "\nmany\n", 1), "many")
        self.refuse_text(self.sample().replace("\nA,", "\nNOBODY,", 1))

    def test_bad_payload_fails_for_good_with_the_reason(self):
        self.worker()
        job = self.submit("roster.solve", '{"text":"SECTION_NONSENSE"}')
        self.refuse("job", "wait", job, code=1, holding="SECTION_NONSENSE")
        self.assertEqual(self.show(job)["attempt"], 1)


if __name__ == "__main__":
    unittest.main()
