# SPDX-License-Identifier: MIT
"""Flows whose steps are programs: what a worker offers, watches and refuses, and what they say."""
import json
import pathlib

from flow_stage import FlowStage


class FlowPrograms(FlowStage):
    def test_programs_run_in_the_folder_of_their_file_and_flows_have_one_file(self):
        folder = pathlib.Path(self.folder) / "elsewhere"
        folder.mkdir()
        (folder / "step.sh").write_text("#!/bin/sh\ncat beside.json\n")
        (folder / "step.sh").chmod(0o755)
        (folder / "beside.json").write_text('"found"')
        (folder / "here.yaml").write_text("flow: here\nnodes:\n  a: {exec: [./step.sh]}\n")
        self.worker("--flow", folder / "here.yaml")
        self.assertEqual(self.flow("run", "here"), '"found"')
        again = self.write("again.yaml", "flow: here\nnodes:\n  b: {task: t}\n")
        self.refuse("worker", "--flow", folder / "here.yaml", "--flow", again, code=2,
                    holding="flow here is in")

    def rounds(self, nodes):
        """A flow of a loop of three turns: a, then what `nodes` says, then `end` or a again."""
        self.write("a.py", """
import json, os
print(json.dumps({"did": os.environ["PENSTOCK_NODE"], "$shared": {"add": {"turn": 1}}}))
""")
        self.write("again.py", """
import json, sys
said = json.load(sys.stdin)
print(json.dumps(said | {"$action": "again" if said["turn"] < 3 else "out",
                         "$shared": {"append": {"seen": said}}}))
""")
        return self.write("rounds.yaml", "flow: rounds\nstart: a\n" + nodes)

    def test_an_undo_in_a_loop_gets_what_its_visit_did(self):
        self.worker("--flow", self.rounds("""
nodes:
  a: {exec: [python3, a.py], next: {default: b},
      undo: {exec: [sh, -c, cat >> undone; echo >> undone]}}
  b: {exec: [python3, again.py], with: {turn: $.shared.turn}, next: {again: a, out: bad}}
  bad: {exec: ["false"], retry: {max_attempts: 1}}
"""))
        self.flow("run", "rounds", "--id", "r", code=1)
        self.assertEqual(self.run_of("r")["state"], "compensated")
        undone = (pathlib.Path(self.folder) / "undone").read_text()
        self.assertEqual([json.loads(line)["did"] for line in undone.splitlines()],
                         ["a#3", "a#2", "a#1"])

    def test_what_fails_in_a_later_turn_has_an_error_and_no_result(self):
        self.worker("--flow", self.rounds("""
groups: {g: {nodes: [x, y], policy: best_effort}}
nodes:
  a: {exec: [python3, a.py], next: {default: [x, y, z]}}
  x: {exec: [sh, -c, test $(cat) != 2 && echo 7], with: $.shared.turn, retry: {max_attempts: 1},
      next: {default: j}}
  y: {exec: [cat], with: $.shared.turn, next: {default: j}}
  z: {exec: [cat], with: $.shared.turn, when: $.shared.turn != 2, next: {default: j}}
  j: {exec: [python3, again.py], next: {again: a, out: end},
      with: {turn: $.shared.turn, x: $.nodes.x.result, error: $.nodes.x.error, z: $.nodes.z.result}}
"""))
        self.flow("run", "rounds", "--id", "r")
        seen = json.loads(self.flow("store", "r", "seen"))
        self.assertEqual([(one["x"], one["z"]) for one in seen], [(7, 1), (None, None), (7, 3)])
        self.assertEqual([one["error"] and one["error"][:11] for one in seen],
                         [None, "exit code 1", None])

    def test_a_worker_serves_the_queues_of_its_flows_and_says_which_nodes_wait_for_another(self):
        file = self.write("apart.yaml", """
flow: apart
nodes:
  slow: {exec: [echo, "1"], queue: slow}
  inner: {needs: [slow], flow: {nodes: {deep: {exec: [echo, "2"], queue: deep}}}}
""")
        pooled = self.write("pooled.yaml", """
flow: pooled
nodes:
  plain: {exec: [echo, "1"]}
  big: {exec: [echo, "2"], pool: gpu, needs: [plain]}
  theirs: {task: of_others, pool: tpu, queue: far, needs: [big]}
  undone: {task: of_others, pool: fpga, undo: {exec: [cat]}, needs: [theirs]}
""")
        worker = self.worker("--flow", file, "--flow", pooled)
        self.assertEqual(self.flow("run", "apart"), "2")
        self.assertEqual([line for line in worker.lines if "not done" in line], [
            f"not done here: pooled.{node} in pool {pool}: waits for a worker with --pool {pool}"
            for node, pool in (("undone", "fpga"), ("big", "gpu"))])
        other = self.worker("--flow", pooled, "--pool", "gpu")
        other.wait_line("not done here: pooled.plain in no pool: waits for a worker without --pool")
        named = self.worker("--flow", file, "-q", "default")
        named.wait_line("not done here: apart.slow in queue slow: waits for a worker with -q slow")

    def test_a_group_goes_on_when_enough_of_its_programs_have_succeeded(self):
        step = "{exec: [sh, -c, 'read n; test $n -lt 3 && echo $n'], retry: {max_attempts: 1}"
        file = self.write("prices.yaml", f"""
flow: prices
groups:
  shops: {{nodes: [one, two, three], policy: {{at_least: 2}}}}
nodes:
  begin: {{exec: [cat]}}
  one: {step}, needs: [begin], with: $.input.one}}
  two: {step}, needs: [begin], with: $.input.two}}
  three: {step}, needs: [begin], with: $.input.three}}
  best: {{exec: [cat], needs: [one, two, three],
         with: [$.nodes.one.result, $.nodes.two.result, $.nodes.three.result]}}
""")
        self.worker("--flow", file)
        for given, seen in (((1, 2, 0), "[1,2,0]"), ((1, 3, 2), "[1,null,2]")):
            said = self.flow("run", "prices", "--input",
                             json.dumps(dict(zip(("one", "two", "three"), given))))
            self.assertEqual(said, seen)
        told = self.refuse("flow", "run", "prices", "--input",
                           '{"one": 3, "two": 3, "three": 1}', code=1, holding="2 are needed")
        self.assertIn('only 1 of the nodes before "best" succeeded', told)

    def test_programs_of_one_name_are_refused_with_both_their_places(self):
        one = self.write("one.yaml", "flow: a\nnodes:\n  b.c: {exec: [echo]}\n")
        two = self.write("two.yaml", "flow: a.b\nnodes:\n  c: {exec: [cat]}\n")
        told = self.refuse("worker", "--flow", one, "--flow", two, code=2,
                           holding="task a.b.c is another program")
        self.assertTrue("one.yaml" in told and "two.yaml" in told, told)
        self.refuse("worker", "--flow", one, "--exec", "a.b.c=cat", code=2,
                    holding="has a task a.b.c already")
        for name in ("x", "y"):
            self.write(f"{name}.yaml", f"flow: {name}\nnodes:\n  n: {{flow: one.yaml}}\n")
        both = self.run_command("worker", "--flow", "x.yaml", "--flow", "y.yaml", "--list-tasks")
        self.assertEqual(both.out.split().count("a.b.c"), 1)

    def test_reload_starts_anew_when_a_flow_its_parts_or_its_programs_change(self):
        parts = pathlib.Path(self.folder) / "parts"
        steps = pathlib.Path(self.folder) / "steps"
        parts.mkdir()
        steps.mkdir()
        outer = "flow: outer\nnodes:\n  n: {flow: parts/inner.yaml}\n"
        inner = "flow: inner\nnodes:\n  step: {exec: [python3, ../steps/step.py]}\n"
        file = self.write("outer.yaml", outer)
        (parts / "inner.yaml").write_text(inner)
        (steps / "step.py").write_text("print(1)\n")
        fleet = self.worker("--reload", "--flow", file)
        self.assertEqual(self.flow("run", "outer"), "1")
        for count, (changed, text) in enumerate((
                (steps / "step.py", "print(2)\n"),
                (parts / "inner.yaml", inner + "  more: {exec: [echo, '3'], needs: [step]}\n"),
                (file, outer + "  more: {exec: [echo, '4'], needs: [n]}\n"))):
            changed.write_text(text)
            fleet.wait_line(f"{changed.name} has changed")
            fleet.wait_line("is replaced", count + 1)
            self.assertEqual(self.flow("run", "outer"), str(count + 2))

    def test_a_step_that_no_worker_offers_is_told_by_all_who_are_asked(self):
        file = self.write("lonely.yaml", "flow: lonely\nnodes:\n  a: {exec: [echo, '1']}\n")
        other = self.write("other.yaml", "flow: other\nnodes:\n  b: {exec: [echo, '2']}\n")
        began = self.run_command("flow", "run", file, "--id", "l", "--timeout", "1ms", code=5)
        self.assertIn("no live worker has the task, queue and pool of lonely.a", began.err)
        self.worker("--flow", other)
        node = self.until("it is put back", lambda: (seen := self.node("l", "a"))["error"] and seen)
        self.assertEqual(node["error"], "no live worker of its queue and pool offers it")
        self.assertIsNone(node["worker"])
        self.assertIn("no live worker can run task lonely.a",
                      self.doctor(code=1)["findings"][0]["what"])
        self.assertIn("offers task \"lonely.a\"",
                      self.run_command("job", "explain", node["job"]).out)
        self.worker("--flow", file)
        self.assertEqual(self.flow("wait", "l"), "1")

    def test_a_program_writes_to_the_store_of_its_run_and_knows_where_it_is(self):
        step = self.write("step.py", """
import json, os, sys
given = json.load(sys.stdin)
where = os.environ["PENSTOCK_RUN"] + " " + os.environ["PENSTOCK_NODE"]
if given == "undo":
    given = {"$shared": {"append": {"undone": where}}}
elif isinstance(given, dict) and "key" in given:  # What undo has without a payload of its own.
    given = {"$shared": {"prepend": {"undone": given["key"]}}}
elif given == "bad":
    given = {"$shared": {"add": {"sum": "much"}}}
elif isinstance(given, int):
    given = {"$shared": {"add": {"sum": given}, "append": {"places": where}}}
else:
    given = {"key": "a key", "$shared": {"set": {"first": where, "gone": 1}, "erase": ["old"]}}
json.dump(given, sys.stdout)
""")
        run = f"{{exec: [python3, {step}]"
        file = self.write("writes.yaml", f"""
flow: writes
nodes:
  first: {run}, with: start, undo: {run}}}}}
  each:  {run}, needs: [first], map: {{over: $.input.numbers}}, undo: {run}, with: undo}}}}
  last:  {run}, needs: [each], with: bad, retry: {{max_attempts: 1}}}}
""")
        self.worker("--flow", file)
        self.flow("run", "writes", "--id", "w", "--input",
                  json.dumps({"numbers": [1, 2, 3], "old": 1}), code=1)
        seen = self.run_of("w")
        self.assertEqual(seen["state"], "compensated")
        self.assertIn("task writes.last: its result's $shared.add.sum has to be a number, and is "
                      '"much"', seen["error"])
        store = json.loads(self.run_command("flow", "store", "w", "--json").out)
        self.assertEqual(sorted(store.pop("places")), [f"w each#1[{i}]" for i in range(3)])
        self.assertEqual(store, {"numbers": [1, 2, 3], "first": "w first#1", "gone": 1, "sum": 6,
                                 "undone": ["a key", "w each#1"]})
