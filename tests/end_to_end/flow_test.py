# SPDX-License-Identifier: MIT
"""Flows on the command line: an ETL in YAML whose steps are Python programs."""
import contextlib
import json
import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import termios

from flow_stage import FlowStage
from stage import BIN, PATIENCE, SOURCE

ETL = SOURCE / "examples/etl"


class Flows(FlowStage):
    def setUp(self):
        super().setUp()
        self.file = ETL / "etl.yaml"
        self.target = pathlib.Path(self.folder) / "orders.json"
        self.input = json.dumps({"target": str(self.target)})

    def test_an_etl_of_programs_waits_for_approval_and_goes_on(self):
        self.worker("--flow", self.file, processes=2)
        run = self.flow("run", "etl", "--input", self.input, "--detach")
        seen = self.until_waiting(run)
        gate = next(node for node in seen["nodes"] if node["node"] == "review")
        self.assertEqual((gate["waits_for"], gate["prompt"]), ("approval", "Load the orders?"))
        self.refuse("flow", "signal", run, "review", '"perhaps"', code=2, holding="true or false")
        self.flow("signal", run, "review", "true", "--by", "ada")
        self.refuse("flow", "signal", run, "review", "true", code=6, holding="answered already")
        self.assertEqual(json.loads(self.flow("wait", run)),
                         {"target": str(self.target), "orders": 3, "cents": 19970})
        self.assertEqual([order["order"] for order in json.loads(self.target.read_text())],
                         [1001, 1004, 1005])
        self.assertEqual(self.node(run, "review")["started_at"], gate["started_at"])
        self.assertIn("answered by ada", self.run_of(run)["history"][-1]["text"])
        self.assertEqual(self.node(run, "clean[1]")["state"], "failed")
        self.assertIn("no customer in order 1002", self.node(run, "clean[1]")["error"])
        self.assertIn("no number in order 1003: 'n/a'", self.node(run, "clean[2]")["error"])
        listed = [json.loads(line) for line in self.run_command("flow", "list",
                                                                "--json").out.splitlines()]
        self.assertEqual([one["run"] for one in listed], [run])

    def test_what_an_etl_has_loaded_is_taken_back_when_its_sum_is_wrong(self):
        self.worker("--flow", self.file)
        source = self.write("other.csv", "order,customer,amount\n7,Ada,1.10\n")
        more = {"target": str(self.target), "source": str(source)}
        for run, control, state in (("good", 110, "succeeded"), ("bad", 111, "compensated")):
            self.flow("run", "etl", "--id", run, "--detach", "--input",
                      json.dumps(more | {"control": control}))
            self.until_waiting(run)
            self.flow("signal", run, "review", "true")
            self.flow("wait", run, code=0 if state == "succeeded" else 1)
            self.assertEqual(self.run_of(run)["state"], state)
            self.assertEqual(self.target.exists(), state == "succeeded")
        self.assertIn("110 cents, and should to 111", self.run_of("bad")["error"])

    def test_the_output_is_that_of_the_last_node_that_was_not_skipped(self):
        flow = self.write("skip.yaml", """
            flow: skip
            nodes:
              a: {exec: [cat]}
              b: {exec: [echo, '"b"'], needs: [a], when: $.input.go}
            """)
        self.worker("--flow", flow)
        for go, output in ((False, {"go": False}), (True, "b")):
            seen = self.flow("run", "skip", "--input", json.dumps({"go": go}))
            self.assertEqual(json.loads(seen.splitlines()[-1]), output)

    def test_who_waits_for_a_run_sees_each_node_end_and_what_it_waits_for(self):
        self.worker("--flow", self.file)
        waiting = self.start("flow", "run", "etl", "--id", "seen", "--input", self.input)
        waiting.wait_line("penstock flow signal seen review JSON")
        waiting.wait_line("extract succeeded in ")
        self.assertIn("no customer in ", waiting.wait_line("clean[1] failed"))
        self.flow("signal", "seen", "review", "true", "--by", "ada")
        answered = r"history +\d{4}-\d\d-\d\dT\S+ gate review#1 was answered by ada$"
        self.assertRegex(waiting.wait_line("answered by ada"), answered)
        waiting.wait_line("verify succeeded")
        self.assertRegex(self.run_command("flow", "show", "seen").out, "(?m)^" + answered)
        self.assertEqual(waiting.wait(), 0)
        self.assertEqual(len([line for line in waiting.lines if line.startswith("extract ")]), 1)
        told = self.run_command("flow", "wait", "seen", "--json", "--quiet")
        self.assertEqual(json.loads(told.out)["state"], "succeeded")
        self.assertEqual(told.err, "")

    def test_who_waits_sees_what_was_skipped_at_first_run_in_a_later_turn(self):
        flow = self.write("later.yaml", """
            flow: later
            nodes:
              ask: {gate: {ask: event}, next: {again: [side, ask], out: last}}
              side: {exec: [cat]}
              last: {exec: [cat]}
            start: ask
            """)
        self.worker("--flow", flow)
        waiting = self.start("flow", "run", "later", "--id", "seen")
        waiting.wait_line("penstock flow signal seen ask JSON")
        self.flow("signal", "seen", "ask", '{"$action": "again"}')
        waiting.wait_line("last skipped")
        waiting.wait_line("penstock flow signal seen ask#2 JSON")
        self.flow("signal", "seen", "ask#2", '{"$action": "out"}')
        waiting.wait_line("last succeeded in ")
        self.assertEqual(waiting.wait(), 0)

    def test_who_stops_watching_a_run_is_told_how_to_go_on_and_the_run_goes_on(self):
        self.worker("--flow", self.file)
        watching = self.start("flow", "run", "etl", "--id", "left", "--input", self.input)
        watching.wait_line("review waits for approval")
        self.assertEqual(watching.send(signal.SIGINT).wait(), 130)
        self.assertEqual(watching.lines[-1], "run left goes on: penstock flow wait left")
        again = self.start("flow", "wait", "left", "--quiet")
        self.flow("signal", "left", "review", "true")
        self.assertEqual(again.wait(), 0)
        self.assertEqual(again.lines, [])

    def test_on_a_terminal_what_runs_is_redrawn_in_as_many_lines_as_it_has(self):
        gates = "".join(f"  gate{i}: {{gate: {{ask: text, prompt: 'größer als 60 Spalten ist "
                        f"diese Frage, die {i} ist'}}, needs: [a]}}\n" for i in range(9))
        file = self.write("wide.yaml", "flow: wide\nnodes:\n  a: {exec: [echo, '[1, 2, 3]']}\n"
                          "  each: {exec: [cat], needs: [a], map: {over: $.nodes.a.result}}\n"
                          + gates)
        self.worker("--flow", file)
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        termios.tcsetwinsize(theirs, (6, 60))
        with subprocess.Popen([BIN / "penstock", "flow", "run", "wide", "--id", "w"],
                              env=self.environment | {"TERM": "xterm"}, cwd=self.folder,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=theirs,
                              text=True) as watching, contextlib.ExitStack() as at_end:
            at_end.callback(watching.kill)  # Else a test that fails would wait for the run's end.
            os.close(theirs)
            shown = b""
            while b"more lines" not in shown:
                self.assertTrue(select.select([ours], [], [], PATIENCE)[0], shown)
                shown += os.read(ours, 65536)
            for i in range(9):
                self.flow("signal", "w", f"gate{i}", '"yes"')
            with contextlib.suppress(OSError):  # The terminal's other end is closed.
                while more := os.read(ours, 65536):
                    shown += more
            self.assertEqual(watching.stdout.read().count("\n"), 1)
            self.assertEqual(watching.wait(), 0)
        text = shown.decode("utf-8")  # No half of a character.
        self.assertIn("gate8 succeeded", text)
        self.assertLessEqual(max(map(int, re.findall(r"\x1b\[(\d+)A", text))), 5)
        for block in re.findall(r"\x1b\[\?7l(.*?)\x1b\[J\x1b\[\?7h", text, re.S):
            lines = re.sub(r"\x1b\[\d*[AK]", "", block).split("\r\n")
            self.assertLessEqual(len(lines) - 1, 5)
            self.assertLess(max(map(len, lines)), 60)

    def test_runs_are_listed_in_pages_and_several_are_cancelled_at_once(self):
        self.worker("--flow", self.file)
        runs = [self.flow("run", "etl", "--input", self.input, "--detach") for _ in range(3)]
        page = self.run_command("flow", "list", "--limit", "2")
        cursor = page.err.split("--cursor ")[1].strip()
        rest = self.run_command("flow", "list", "--limit", "2", "--cursor", cursor)
        listed = re.findall(r"(?m)^([0-9a-f-]{36}) ", page.out + rest.out)
        self.assertEqual(listed, runs[::-1])
        for limit in ("0", "-1", "1001"):
            self.refuse("flow", "list", "--limit", limit, code=2, holding="use 1 to 1000")
        self.refuse("flow", "cancel", runs[0], "nobody", runs[1], code=3, holding="nobody")
        self.assertEqual([self.run_of(run)["state"] for run in runs[:2]], ["cancelled"] * 2)
        cancelled = ("flow", "list", "--state", "cancelled", "--flow", "etl", "--json", "--quiet")
        page = self.run_command(*cancelled[:-1], "--limit", "1")
        self.assertEqual(json.loads(page.out)["run"], runs[1])
        rest = self.run_command(*cancelled, "--cursor", page.err.split("--cursor ")[1].strip())
        self.assertEqual(json.loads(rest.out)["run"], runs[0])
        self.assertEqual(self.run_command("flow", "list", "--flow", "none", "--json").out, "")
        self.refuse("flow", "list", "--state", "done", code=2, holding="use running, failing")

    def test_a_rejected_run_ends_without_loading(self):
        self.worker("--flow", self.file)
        run = self.flow("run", self.file, "--input", self.input, "--detach", "--id", "mine")
        self.assertEqual(run, "mine")
        self.until_waiting(run)
        self.flow("signal", run, "review", "false")
        self.flow("wait", run)
        self.assertEqual([node["node"] for node in self.run_of(run)["nodes"]
                          if node["node"] == "load" and node["state"] == "succeeded"], [])

    def test_a_failed_run_goes_on_when_it_is_retried_and_can_be_forked(self):
        program = self.write("maybe.py", "import os, sys\n"
                             "if not os.path.exists('mended'): sys.exit('not yet')\n"
                             "print('\"done\"')\n")
        file = self.write("mends.yaml", f"""
flow: mends
nodes:
  first: {{exec: [python3, -c, "print(5)"]}}
  second: {{exec: [python3, {program}], needs: [first], retry: {{max_attempts: 1}}}}
""")
        self.worker("--flow", file)
        failed = self.run_command("flow", "run", file, "--id", "r", code=1)
        self.assertIn("not yet", failed.err)
        self.assertEqual(self.node("r", "second")["state"], "failed")
        self.write("mended", "")
        self.flow("retry", "r")
        self.assertEqual(self.flow("wait", "r"), '"done"')
        self.assertEqual(self.node("r", "first")["attempt"], 1)
        self.refuse("flow", "retry", "r", code=6, holding="only a failed run")
        fork = self.flow("fork", "r", "--node", "second", "--set", "x=1")
        self.assertEqual(self.flow("wait", fork), '"done"')
        self.assertEqual(self.flow("store", fork, "x"), "1")
        self.refuse("flow", "store", fork, "y", code=3, holding="no key")

    def test_an_item_that_is_null_is_the_payload_of_its_task(self):
        file = self.write("nulls.yaml", """
flow: nulls
nodes:
  list: {exec: [python3, -c, "print('[1, null]')"]}
  each: {exec: [python3, -c, "import sys; print(sys.stdin.read())"], needs: [list],
         map: {over: $.nodes.list.result}}
  all: {exec: [python3, -c, "import sys; print(sys.stdin.read())"], needs: [each],
        with: $.nodes.each.result}
""")
        self.worker("--flow", file)
        self.assertEqual(json.loads(self.flow("run", file, "--input", "7")), [1, None])

    def test_a_worker_serves_the_queues_of_a_flow_and_waiting_ends_when_it_was_told_to(self):
        file = self.write("queue.yaml", """
flow: queued
nodes:
  a: {exec: [python3, -c, "print(1)"], queue: heavy}
  b: {exec: [python3, -c, "print(2)"], needs: [a], pool: gpu}
""")
        self.worker("--flow", file)
        late = self.run_command("flow", "run", "queued", "--id", "q", "--timeout", "1s", code=5)
        self.assertIn("within 1s", late.err)
        self.assertIn("a succeeded", late.err)
        self.worker("--flow", file, "--pool", "gpu")
        self.assertEqual(self.flow("wait", "q"), "2")

    def test_a_map_over_runs_has_a_run_for_each_item(self):
        self.write("inner.yaml", """
flow: inner
nodes:
  double: {exec: [python3, -c, "import json, sys; print(2 * json.load(sys.stdin))"]}
  check:
    exec: [python3, -c, "n = input(); exit('six') if n == '6' else print(n)"]
    with: $.nodes.double.result
    needs: [double]
    retry: {max_attempts: 1}
""")
        outer = """
flow: NAME
nodes:
  list: {exec: [python3, -c, "print([1, 2, 3, 4, 5])"]}
  each: {flow: inner.yaml, needs: [list], map: {over: $.nodes.list.result, parallel: 2, policy: P}}
  all: {exec: [cat], needs: [each], with: $.nodes.each.result}
"""
        tolerant = self.write("outer.yaml", outer.replace("NAME", "outer").replace(
            "P}", "best_effort}"))
        strict = self.write("strict.yaml", outer.replace("NAME", "strict").replace("P}", "strict}"))
        self.worker("--flow", tolerant, "--flow", strict, processes=2)
        self.assertEqual(json.loads(self.flow("run", "outer", "--id", "o")), [2, 4, None, 8, 10])
        self.assertEqual([(node["node"], node["state"]) for node in self.run_of("o")["nodes"]
                          if "[" in node["node"]], [("each[2]", "failed")])
        listed = [json.loads(line) for line in self.run_command("flow", "list",
                                                                "--json").out.splitlines()]
        parents = [one["parent"] or "" for one in listed]
        self.assertEqual(len([one for one in parents if one.startswith("o|each")]), 5)
        self.refuse("flow", "run", "strict", code=1, holding="item 2 of each failed: ")

    def test_a_cancelled_run_is_over_at_once(self):
        self.worker("--flow", self.file)
        run = self.flow("run", "etl", "--input", self.input, "--detach")
        self.until_waiting(run)
        self.flow("cancel", run)
        self.assertEqual(self.run_of(run)["state"], "cancelled")
        self.refuse("flow", "cancel", run, code=6, holding="it is cancelled")
        self.refuse("flow", "wait", run, code=1, holding="is cancelled")

    def test_the_flows_of_the_documentation_have_no_mistakes(self):
        for page, count in (("flows.md", 1), ("flows-yaml.md", 4)):
            shown = re.findall(r"```yaml\n(.*?)```", (SOURCE / "docs" / page).read_text(), re.S)
            self.assertEqual(len(shown), count)
            for text in shown:
                told = self.run_command("flow", "check", self.write("shown.yaml", text))
                self.assertIn("no mistakes", told.out)

    def test_what_is_no_flow_is_refused_before_anything_runs(self):
        def refused(name, text, holding):
            self.refuse("flow", "check", self.write(name, text), code=2, holding=holding)

        refused("big.yaml", "flow: f\nnodes:\n" + "".join(
            f"  n{i}: {{task: t, with: '{'x' * 60}'}}\n" for i in range(120000)), "1048576")
        bomb = "a0: &a0 [x]\n" + "".join(
            f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]\n" for i in range(1, 12))
        refused("bomb.yaml", bomb + "flow: f\nnodes: {n: {task: t, with: *a11}}\n", "aliases")
        long = "a: &a '" + "x" * 500000 + "'\n"
        many = "*a, " * 90000
        refused("long.yaml", long + f"flow: f\nnodes: {{n: {{task: t, with: [{many}0]}}}}\n",
                "8388608 bytes")
        deep = "[" * 9999 + "]" * 9999
        refused("deep.yaml", f"flow: f\nnodes: {{n: {{task: t, with: {deep}}}}}\n", "nested")
        refused("wide.yaml", "flow: f\nnodes:\n" + "".join(
            f" {i:x}: {{}}\n" for i in range(100001)), "more than 100000 values")
        (pathlib.Path(self.folder) / "link.yaml").symlink_to("again.yaml")
        refused("again.yaml", "flow: f\nnodes:\n  a: {flow: link.yaml}\n", "contain itself")
        refused("tab.yaml", "flow: f\nnodes:\n\ta: {task: t}\n", "tab.yaml:3:1: a tab")
        refused("none.yaml", "flow: f\nnodes:\n  a: {flow: nobody.yaml}\n", "none.yaml:3:13")
        folder = pathlib.Path(self.folder) / "folder.yaml"
        folder.mkdir()
        self.refuse("flow", "check", folder, code=2, holding="is a folder")
        endless = pathlib.Path(self.folder) / "endless.yaml"
        endless.symlink_to("/dev/zero")
        self.refuse("flow", "check", endless, code=2, holding="16 MiB")
        many = self.write("many.yaml", "flow: f\nnodes:\n" + "".join(
            f"  n{i}: {{}}\n" for i in range(5000)))
        told = self.run_command("flow", "check", many, code=2).err
        self.assertEqual(len(told.splitlines()), 101)
        self.assertIn("and 4900 more", told)

    def test_check_tells_every_mistake_with_its_place(self):
        self.assertIn("no mistakes", self.run_command("flow", "check", self.file).out)
        bad = self.write("bad.yaml", "flow: f\nnodes:\n  a: {task: t, neds: [b]}\n"
                                     "  b: {needs: [nobody]}\n")
        told = self.run_command("flow", "check", bad, code=2).err
        self.assertIn("bad.yaml:3:", told)
        self.assertIn("neds", told)
        self.assertIn("bad.yaml:4:", told)
        self.assertIn("digraph", self.run_command("flow", "draw", self.file, "--format",
                                                  "dot").out)
        self.refuse("flow", "show", "nobody", code=3, holding="does not exist")
        self.refuse("flow", "run", "nobody", code=3, holding="knows no flow")
