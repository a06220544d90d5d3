# SPDX-License-Identifier: MIT
"""Files that a command is given to read, and what is given in place of them."""
import os
import pathlib
import subprocess
import threading

from stage import BIN, PATIENCE, Stage

FLOW = "flow: f\nnodes:\n  a: {task: t}\n"


class InputFiles(Stage):
    def fifo(self, name):
        path = pathlib.Path(self.folder) / name
        os.mkfifo(path)
        return path

    def test_a_pipe_that_nobody_writes_to_is_refused(self):
        self.refuse("flow", "check", self.fifo("lonely.yaml"), code=2, holding="nobody writes")
        outer = pathlib.Path(self.folder) / "outer.yaml"
        outer.write_text("flow: f\nnodes:\n  a: {flow: lonely.yaml}\n")
        self.refuse("flow", "check", outer, code=2, holding="outer.yaml:3:13")

    def test_a_pipe_is_read_to_the_end_of_its_writer(self):
        path = self.fifo("pipe.yaml")
        writer = threading.Thread(target=path.write_text, args=(FLOW,), daemon=True)
        writer.start()
        self.assertIn("no mistakes", self.run_command("flow", "check", path).out)
        writer.join(PATIENCE)

    def test_standard_input_is_read_under_each_of_its_names(self):
        for name in ("/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"):
            told = self.run_command("flow", "check", name, stdin=FLOW).out
            self.assertIn("flow f, 1 node, no mistakes", told)
        job = self.run_command("submit", "t", "-", "--quiet", stdin='"from a pipe"').out.strip()
        self.assertIn("from a pipe", self.run_command("job", "show", job, "--json").out)

    def test_process_substitution_is_read(self):
        def check(command):
            return subprocess.run(
                ["bash", "-c", f"exec '{BIN}/penstock' flow check <({command})"], text=True,
                env=self.environment | {"TEXT": FLOW}, stdin=subprocess.DEVNULL,
                capture_output=True, timeout=PATIENCE, check=False)

        self.assertIn("no mistakes", check('printf %s "$TEXT"').stdout)
        self.assertIn("the file is empty", check("true").stderr)
