# SPDX-License-Identifier: MIT
"""A stage for flows: their files, and the words of `penstock flow`."""
import json
import pathlib

from stage import Stage


class FlowStage(Stage):
    def write(self, name, text):
        path = pathlib.Path(self.folder) / name
        path.write_text(text)
        return path

    def flow(self, *words, **more):
        return self.run_command("flow", *words, "--quiet", **more).out.strip()

    def run_of(self, run):
        return json.loads(self.run_command("flow", "show", run, "--json").out)

    def until_waiting(self, run):
        return self.until(f"{run} waits",
                          lambda: (seen := self.run_of(run))["state"] == "waiting" and seen)

    def node(self, run, name):
        return next(node for node in self.run_of(run)["nodes"] if node["node"] == name)
